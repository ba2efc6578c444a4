"""JSON Schemas of authors, models and MCP servers: they lead to no address and no file, and take no time without end."""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime.agents.parsers.answer_parser import validate
from runtime.agents.tools.argument_check import problems

SECONDS = 2.0


@pytest.fixture
def inner() -> Iterator[tuple[str, list[str]]]:
    """A server that no tenant may reach, and what was asked of it."""
    seen: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"const": "an inner secret"}')

        def log_message(self, *_: Any) -> None:  # not into the output of the tests
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/latest/meta-data", seen
    server.shutdown()
    thread.join()
    server.server_close()


def told(value: Any, schema: dict[str, Any]) -> str:
    """What either use of a schema says."""
    return problems(value, schema) + json.dumps(validate(value, schema, None, "text"))


@pytest.mark.parametrize("place", ["properties", "definitions", "items", "$id", "not", "allOf"])
@pytest.mark.parametrize("word", ["$ref", "$dynamicRef", "$recursiveRef", "$schema"])
def test_a_reference_leads_to_no_address(inner: tuple[str, list[str]], place: str, word: str) -> None:
    address, seen = inner
    reference = {word: address}
    schemas: dict[str, dict[str, Any]] = {
        "properties": {"properties": {"a": reference}},
        "definitions": {"definitions": {"x": reference}, "properties": {"a": {"$ref": "#/definitions/x"}}},
        "items": {"properties": {"a": {"items": reference}}},
        "$id": {"$id": address, "properties": {"a": {word: "further"}}},
        "not": {"not": reference},
        "allOf": {"allOf": [reference, {"$ref": f"{address}#/x"}]},
    }
    assert "secret" not in told({"a": [1]}, {"type": "object", **schemas[place]})
    assert seen == []


def test_a_reference_leads_to_no_file(tmp_path: Path) -> None:
    file = tmp_path / "inner.json"
    file.write_text('{"const": "an inner secret"}', encoding="utf-8")
    assert "secret" not in told({"a": 1}, {"properties": {"a": {"$ref": file.as_uri()}}})


def test_a_reference_within_the_schema_counts() -> None:
    schema = {"definitions": {"x": {"type": "string"}}, "properties": {"a": {"$ref": "#/definitions/x"}}}
    assert "is not of type 'string'" in problems({"a": 1}, schema)


PATTERN = "^(a+)+$"
SLOW: dict[str, tuple[Any, dict[str, Any]]] = {
    "references that multiply": (
        {"a": 1},
        {
            "definitions": {f"d{n}": {"allOf": [{"$ref": f"#/definitions/d{n + 1}"}] * 2} for n in range(40)}
            | {"d40": {}},
            "properties": {"a": {"$ref": "#/definitions/d0"}},
        },
    ),
    "a circle": ({"a": 1}, {"properties": {"a": {"$ref": "#/properties/a"}}}),
    "a pattern": ({"a": "a" * 40 + "!"}, {"properties": {"a": {"pattern": PATTERN}}}),
    "a pattern under another draft": (
        {"a": "a" * 40 + "!"},
        {"properties": {"a": {"$schema": "https://json-schema.org/draft/2020-12/schema", "pattern": PATTERN}}},
    ),
    "a pattern of names": (
        {"a" * 40 + "!": 1},
        {"patternProperties": {PATTERN: {}}, "additionalProperties": {"type": "string"}},
    ),
    "elements that are to differ": (
        {"a": [{"n": n} for n in range(30_000)]},
        {"properties": {"a": {"uniqueItems": True}}},
    ),
    "many rules for many elements": (
        {"a": [0] * 20_000},
        {"properties": {"a": {"items": {"allOf": [{"type": "number", "minimum": 0}] * 2_000}}}},
    ),
    "names that depend on names": (
        {f"n{n}": 1 for n in range(2_000)},
        {"dependencies": {f"n{n}": [f"n{m}" for m in range(500)] for n in range(1_000)}},
    ),
}


@pytest.mark.parametrize("name", SLOW)
def test_a_check_ends_soon(name: str) -> None:
    value, schema = SLOW[name]
    began = time.thread_time()
    problems(value, schema)
    assert time.thread_time() - began < SECONDS
    began = time.thread_time()
    validate(value, schema, None, "text")
    assert time.thread_time() - began < SECONDS


def test_names_that_are_too_many_are_told() -> None:
    """As before: our own rule says what the library's says."""
    schema = {"properties": {"a": {}}, "patternProperties": {"^x-": {}}, "additionalProperties": {"type": "string"}}
    assert problems({"a": 1, "x-y": 1, "b": 1}, schema) == "b: 1 is not of type 'string'"
