"""The pictures in the documents are few and small, and each is shown with a text for who does not see it."""

import re

from tests.integration.console.docs_pictures import FOLDER, MAX_BYTES, PICTURES

SHOWN = re.compile(r"!\[(?P<text>[^\]]*)\]\(console/(?P<name>\w+)\.webp\)")


def test_each_picture_is_small_and_made_by_a_test() -> None:
    """At most six of them; `python -m tests.integration.console.docs_pictures` makes them."""
    sizes = {path.stem: path.stat().st_size for path in FOLDER.iterdir()}
    assert set(sizes) == set(PICTURES)
    assert len(sizes) <= 6
    assert max(sizes.values()) <= MAX_BYTES


def test_each_picture_is_shown_once_with_what_it_shows_in_words() -> None:
    """A sentence, not a file's name."""
    shown = {each["name"]: each["text"] for each in SHOWN.finditer((FOLDER.parent / "console.md").read_text())}
    assert set(shown) == set(PICTURES)
    assert all(len(text.split()) >= 8 for text in shown.values())
