"""Every lint rule is described, with an example in which it fires and one in which it does not, and both are run."""

import re
from pathlib import Path

import pytest
from tests.contract_files import CLEAN, CUSTOM, TEMPLATES, differing

from tallystick.contracts.lint import RULES, lint, open_draft

PAGE = (Path(__file__).parents[2] / "docs/contract-lint.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
MEMORY = {"billing": {"change": 30}}
SHOWN = {"ids": {"u-ada", "u-bot"}, "role_in": {"AE"}}


def _seen(source, part, texts):
    return SHOWN[part] & set(texts) if source == "crm" else None


def _rules_of(path):
    draft = open_draft(path, templates=TEMPLATES, custom=CUSTOM, remembers=MEMORY, seen=_seen)
    return {finding.rule for finding in lint(draft)}


def test_every_rule_has_a_section():
    """The headings of the page are the rules of the code, in its order, each with its severity and its sentence."""
    assert list(SECTIONS) == [rule.name for rule in RULES]
    assert [text.strip().split("**")[1].rstrip(".") for text in SECTIONS.values()] == [rule.severity for rule in RULES]
    assert [rule.name for rule in RULES if rule.title not in SECTIONS[rule.name]] == []


def test_the_contract_of_the_page():
    """The contract that the examples differ from is the fixture of the tests, and no rule fires in it."""
    assert re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL).group(1) == CLEAN.read_text(encoding="utf-8")
    assert _rules_of(CLEAN) == set()


@pytest.mark.parametrize("name", SECTIONS)
def test_the_examples(name, tmp_path):
    """In the first example of a rule it fires, and in the second it does not."""
    fires, quiet = re.findall(r"```yaml\n(.*?)```", SECTIONS[name], re.DOTALL)

    assert name in _rules_of(differing(tmp_path / "fires.yaml", fires))
    assert name not in _rules_of(differing(tmp_path / "quiet.yaml", quiet))
