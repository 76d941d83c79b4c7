"""Code blocks of the pages under docs, as the tests run them."""

import re
from pathlib import Path
from types import ModuleType

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page, language):
    """Give the code blocks of a page in a language, each with the line it begins at, in order."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = re.finditer(rf"(?ms)^```{language}\n(.*?)^```$", text)
    return [(text.count("\n", 0, block.start()) + 2, block.group(1)) for block in found]


def run_block(page, line, code, module=None):
    """Run a block as a module, or on in one, with its lines as they stand on the page; give the module."""
    module = module or ModuleType(f"block_{line}")
    exec(compile("\n" * (line - 1) + code, str(DOCS / page), "exec"), vars(module))  # noqa: S102 - it is our own page
    return module
