"""What pages of the console load: the files are there, and their scripts stay small."""

import gzip
import re
from typing import Final

from api.console.pages import ASSETS, FOLDER

BUDGET: Final = 60_000
"""Bytes of all scripts together, compressed."""
LOADED: Final = re.compile(r"/console/static/([\w.-]+)")


def test_all_scripts_together_have_sixty_kilobytes_at_most() -> None:
    sizes = {name: len(gzip.compress(text)) for name, text in ASSETS.items() if name.endswith(".js")}
    assert {"htmx.min.js", "hx-sse.min.js", "uplot.min.js", "console.js", "charts.js"} <= set(sizes)
    assert sum(sizes.values()) <= BUDGET, sizes


def test_every_file_that_a_page_names_is_there_and_comes_from_here() -> None:
    for path in (FOLDER / "templates").iterdir():
        text = path.read_text(encoding="utf-8")
        assert set(LOADED.findall(text)) <= set(ASSETS), path.name
        assert 'src="http' not in text, path.name
