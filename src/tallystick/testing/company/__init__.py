"""One simulated company for every sales system: who works there, what happens, what is claimed, and what is right.

It is written in no system's words. The simulator of each system turns it into what that system would hold, so that one
contract can be verified in several of them, with the same verdicts. The labels are written by the author of each case,
from the contract's words; nothing is evaluated here.
"""
