"""Writes docs/outcome-templates.md from the templates themselves: `python tests/docs/outcome_templates.py`."""

from pathlib import Path

from tallystick.plugins import PluginHost

PAGE = Path(__file__).parents[2] / "docs" / "outcome-templates.md"

_HEAD = """\
# Outcome templates

A template is a predicate with parameters: a contract says `uses: NAME` and, under `with:`, only what differs. This page
is written from the templates themselves (`python tests/docs/outcome_templates.py`), and a test holds it to them.

A clause that is a **guard** makes an outcome `unverifiable` when it is false, instead of `rejected`: the facts
contradict each other, so neither side can be right by them. A clause with a **window** stays `pending` until everything
it depends on has been read past the end of that window.
"""


def page():
    """Give the page as text."""
    parts = [_HEAD]
    for template in PluginHost([]).templates.values():
        parts.append(f"\n## {template.name}\n\nAbout records of type `{template.record}`. {template.doc}\n")
        parts.append("\n| Parameter | Default | What it settles | In practice |\n|---|---|---|---|\n")
        for param in template.params:
            default = "required" if param.default is None else f"`{_shown(param.default)}`"
            default = "the vendor's identities" if param.vendors else default
            default = f"`{param.people[1]}` of `people.{param.people[0]}`" if param.people else default
            some = "Any" if param.kind in {"list", "hours"} else "One"
            choices = f" {some} of {', '.join(f'`{choice}`' for choice in param.choices)}." if param.choices else ""
            parts.append(f"| `{param.name}` | {default} | {param.doc}{choices} | {param.source} |\n")
        predicate = template.predicate(
            {param.name: "the-vendor" for param in template.params if param.default is None and not param.vendors},
            custom={"invoice": {"placed_at": "instant", "placed_with": "text"}},
            vendors=["the-vendor"],
            people={"account_executive": {"role_in": ["the-role"]}},
        )
        parts += _presets(template)
        parts.append("\nWith the defaults, its facts are\n\n| Fact | Is |\n|---|---|\n")
        parts += [f"| `{fact.name}` | `{_cell(fact.text)}` |\n" for fact in predicate.facts]
        parts.append(
            "\nand its clauses, in the order in which they decide\n\n| Clause | Holds when | |\n|---|---|---|\n"
        )
        for clause in predicate.clauses:
            marks = ["guard"] if clause.guard else []
            marks += ["window"] if clause.until is not None else []
            parts.append(f"| `{clause.name}` | `{_cell(clause.text)}` | {', '.join(marks)} |\n")
    return "".join(parts)


def _presets(template):
    """Give the presets of a template, each with where it was published."""
    if not template.presets:
        return
    yield "\nPresets: `with: {preset: NAME, ...}` takes these values first. Confidence: P the party's own page, P* its"
    yield " text as republished, S a third party. What was not published stays at the default.\n\n"
    yield "| Preset | In words | Sets | Not published | Price | Published | Confidence |\n"
    yield "|---|---|---|---|---|---|---|\n"
    for preset in template.presets.values():
        sets = ", ".join(f"`{name}: {_shown(value)}`" for name, value in preset.values.items())
        silent = ", ".join(f"`{name}`" for name in preset.unpublished) or "-"
        published = f"{preset.source}; {preset.date}"
        cells = (f"`{preset.name}`", preset.doc, sets, silent, preset.price, published, preset.confidence)
        yield f"| {' | '.join(cells)} |\n"


def _shown(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {of}" for name, of in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(value) + "]"
    return str(value).lower() if isinstance(value, bool) else value if value != "" else '""'


def _cell(text):
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
