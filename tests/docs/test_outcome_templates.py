"""The page of outcome templates says what the templates do."""

import runpy
from pathlib import Path


def test_the_page_is_written_from_the_templates():
    """Every template, parameter, default, fact and clause stands on the page as it is in the code."""
    written = runpy.run_path(str(Path(__file__).with_name("outcome_templates.py")))

    assert written["PAGE"].read_text(encoding="utf-8") == written["page"]()
