"""From a JSON path to line and column."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.source.source import Lines, duplicates, find_spans, into_string

TEXT = '{\n  "nodes": [\n    {"name": "A", "x": 1},\n    {"name": "B\\n\\u00e9!", "a/b~c": [true, null]}\n  ]\n}\n'


@pytest.mark.parametrize(
    ("pointer", "line", "column"),
    [
        ("", 1, 1),
        ("/nodes", 2, 12),
        ("/nodes/0", 3, 5),
        ("/nodes/0/name", 3, 14),
        ("/nodes/1/name", 4, 14),
        ("/nodes/1/a~1b~0c/1", 4, 44),
    ],
)
def test_a_value_is_found_by_its_pointer(pointer: str, line: int, column: int) -> None:
    span = find_spans(TEXT, {pointer})[pointer]
    assert Lines(TEXT).at(span.value) == (line, column)


def test_what_is_not_there_is_left_out() -> None:
    assert find_spans(TEXT, {"/nodes/7", "/other"}) == {}


def test_a_key_has_a_place_of_its_own() -> None:
    span = find_spans(TEXT, {"/nodes/0/x"})["/nodes/0/x"]
    assert TEXT[span.key :].startswith('"x"')
    assert TEXT[span.value : span.end] == "1"


@pytest.mark.parametrize(("characters", "rest"), [(0, "B\\n"), (1, "\\n"), (2, "\\u00e9"), (3, "!"), (99, '"')])
def test_escapes_in_a_text_count_as_what_they_stand_for(characters: int, rest: str) -> None:
    offset = into_string(TEXT, find_spans(TEXT, {"/nodes/1/name"})["/nodes/1/name"], characters)
    assert TEXT[offset:].startswith(rest)


def test_a_key_that_occurs_twice_is_found_at_any_depth() -> None:
    assert list(duplicates('{"a": [{"b": 1, "b": 2}], "c": {"d": 1}, "a": 3}')) == [("/a/0/b", "b"), ("/a", "a")]


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(documents, st.booleans())
def test_every_value_of_any_document_is_found_where_it_stands(document: object, ascii_only: bool) -> None:
    text = json.dumps(document, indent=2, ensure_ascii=ascii_only)
    values = dict(_pointers(document, ""))
    spans = find_spans(text, values)
    assert spans.keys() == values.keys()
    for pointer, value in values.items():
        if not isinstance(value, dict | list):
            assert json.loads(text[spans[pointer].value : spans[pointer].end]) == value


def _pointers(value: object, path: str) -> list[tuple[str, object]]:
    pointers = [(path, value)]
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in members:
        pointers += _pointers(each, path + "/" + str(key).replace("~", "~0").replace("/", "~1"))
    return pointers
