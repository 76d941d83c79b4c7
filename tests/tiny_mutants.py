"""The tiny connector broken on purpose: for each check of the kit one it must find, a few lines from the honest one."""

from tests import tiny_mutants_of_calls, tiny_mutants_of_records
from tests.tiny_broken import MUTANTS

__all__ = ["MUTANTS", "tiny_mutants_of_calls", "tiny_mutants_of_records"]
