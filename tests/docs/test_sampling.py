"""The worked examples of the page about sampling are recomputed, by its own Python and by the program."""

import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from tallystick.contracts import Sample
from tallystick.verification import bounds, sampling

PAGE = (Path(__file__).parents[2] / "docs" / "sampling.md").read_text(encoding="utf-8")
BLOCKS = [block.splitlines() for block in re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)]
[PYTHON] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SUBJECTS = [f"claim:C-000{number}" for number in range(1, 9)]
FIVE = Fraction(5, 100)


@pytest.fixture(scope="module")
def plain():
    """What the page's own Python defines."""
    names = {}
    exec(PYTHON, names)  # noqa: S102 - the page says that this is how to do it
    return names


def _blocks(plain):
    """Give the text blocks of the page as its own Python gives them."""
    inputs = BLOCKS[0]
    seed = plain["seed_of"](*inputs)
    hashes = [plain["sha256"](seed + b"\x00" + subject.encode()).hexdigest() for subject in SUBJECTS]
    return [
        inputs,
        [seed.hex()],
        [f"{subject}  {value[:16]}" for subject, value in zip(SUBJECTS, hashes, strict=True)],
        plain["draw"](SUBJECTS, 3, seed),
        [f"{bad:>2}  {float(plain['chance'](20, 10, bad, 6)):.4f}" for bad in range(6, 13)],
        [
            f"{wrong:>2}  {plain['lower'](1000, 50, wrong, FIVE):>3}  {plain['lower'](1000, 50, wrong, FIVE / 2):>3}  "
            f"{plain['upper'](1000, 50, wrong, FIVE / 2):>3}"
            for wrong in range(9)
        ],
    ]


def test_the_page_says_what_its_python_gives(plain):
    """Every block of numbers on the page is what the page's Python computes."""
    assert _blocks(plain) == BLOCKS


def test_the_program_says_the_same(plain):
    """Draw and bounds of the program are those of the page, with code that shares nothing."""
    root, sha256, outcome, month = BLOCKS[0]
    seed = sampling.seed_of(root, sha256, outcome, month)

    assert [seed.hex()] == BLOCKS[1]
    assert sampling.draw(SUBJECTS, 3, seed) == BLOCKS[3]
    for row in BLOCKS[5]:
        wrong, least, low, high = map(int, row.split())
        assert bounds.at_least(1000, 50, wrong, FIVE) == least
        assert (bounds.at_least(1000, 50, wrong, FIVE / 2), bounds.at_most(1000, 50, wrong, FIVE / 2)) == (low, high)


def test_the_sentences_of_the_examples_hold(plain):
    """What the page concludes from its numbers is what the program concludes."""
    terms = {tolerance: Sample(10, Decimal(tolerance), 95, "hold") for tolerance in (35, 40)}
    least = plain["lower"](20, 10, 6, FIVE)

    assert f"with a chance of more than 0.05 is {least}: the lower bound is {least}." in PAGE
    assert sampling.judge(terms[35], 20, 4, 6).status == "exceeded"
    assert sampling.judge(terms[40], 20, 4, 6).status == "within"
    limit = sampling.limit(Sample(50, Decimal(5), 95, "hold"), 1000)
    assert f"exceeded from {limit} wrong ones on" in " ".join(PAGE.split())
