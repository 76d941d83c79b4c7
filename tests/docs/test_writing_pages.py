"""The pages for authors of plugins run as they stand."""

from types import ModuleType

import pytest
from tests.docs.pages import blocks, run_block


@pytest.mark.parametrize("page", ["writing-a-connector.md", "writing-a-template.md"])
def test_the_code_of_the_page_runs(page):
    """The blocks of a page run in order, each on what those before it defined, and what they assert holds."""
    module = ModuleType("page")
    found = blocks(page, "python")
    assert found
    for line, code in found:
        run_block(page, line, code, module)
