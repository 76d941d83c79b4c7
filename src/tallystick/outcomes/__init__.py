"""What "it happened" means: predicates as text, typed, decided in SQL or record by record, and explained."""

from tallystick.outcomes.compile import compile_predicate
from tallystick.outcomes.evidence import compile_evidence
from tallystick.outcomes.explain import Explanation, describe, explain, values_of
from tallystick.outcomes.interpret import ClauseValue, Evaluation, Interpreter, interpret, read_row
from tallystick.outcomes.predicate import (
    Clause,
    ClauseSource,
    Fact,
    Inputs,
    Locate,
    Predicate,
    PredicateSource,
    State,
    Unit,
    predicate_from_source,
)
from tallystick.outcomes.template import Param, People, Template

__all__ = [
    "Clause",
    "ClauseSource",
    "ClauseValue",
    "Evaluation",
    "Explanation",
    "Fact",
    "Inputs",
    "Interpreter",
    "Locate",
    "Param",
    "People",
    "Predicate",
    "PredicateSource",
    "State",
    "Template",
    "Unit",
    "compile_evidence",
    "compile_predicate",
    "describe",
    "explain",
    "interpret",
    "predicate_from_source",
    "read_row",
    "values_of",
]
