"""A document of many workflows is read once, and each workflow costs what it costs in a file of its own."""

import json
import tracemalloc
from collections.abc import Iterable
from typing import Any

import pytest

from compiler import compile_exports
from compiler.report.excerpt import excerpt
from compiler.report.text import findings
from compiler.source import document
from compiler.source.document import Document
from compiler.source.source import Lines, Span, find_spans
from runtime.catalog import CATALOG


def workflow(number: int, **more: Any) -> dict[str, Any]:
    start = {"name": "Start", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "position": [0, 0]}
    chat = {"name": "Chat", "type": "n8n-nodes-base.nobody", "typeVersion": 1, "position": [0, 0], "parameters": {}}
    return {"name": f"w{number}", "nodes": [start, chat], "connections": {}} | more


def list_of_workflows(count: int) -> str:
    return json.dumps([workflow(number) for number in range(count)])


def test_the_text_of_a_list_is_parsed_once_and_searched_a_fixed_number_of_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parsed_lengths: list[int] = []
    searched_lengths: list[int] = []
    loads = json.loads

    def count_parsed(text: str, **options: Any) -> Any:
        parsed_lengths.append(len(text))
        return loads(text, **options)

    def count_searched(
        text: str, pointers: Iterable[str], inside: Span | None = None, path: str = ""
    ) -> dict[str, Span]:
        searched_lengths.append(inside.end - inside.value if inside else len(text))
        return find_spans(text, pointers, inside, path)

    monkeypatch.setattr("compiler.passes.read.json.loads", count_parsed)
    monkeypatch.setattr(document, "find_spans", count_searched)
    text = list_of_workflows(60)
    compilations = list(compile_exports(text, file="all.json", catalog=CATALOG))
    assert [each.export.name for each in compilations if each.export] == [f"w{number}" for number in range(60)]
    assert parsed_lengths == [len(text)]
    assert sum(searched_lengths) <= 2 * len(text)


def test_findings_in_a_list_have_the_place_that_they_have_in_the_whole_text() -> None:
    text = json.dumps([workflow(number) for number in range(3)], indent=1)
    for number, compilation in enumerate(compile_exports(text, file="all.json", catalog=CATALOG)):
        (finding,) = (each for each in compilation.diagnostics if each.code == "N8T301")
        pointer = f"/{number}/nodes/1/type"
        assert finding.at.pointer == pointer
        assert (finding.at.line, finding.at.column) == Lines(text).at(find_spans(text, [pointer])[pointer].value)


def test_what_the_reader_finds_is_reported_once_and_with_the_workflow_that_it_is_in() -> None:
    inner = json.dumps(workflow(1)).replace('"name": "w1"', '"name": "w0", "name": "w1"')
    text = f"\ufeff[{json.dumps(workflow(0))}, {inner}]"
    codes_per_workflow = [
        [each.code for each in compilation.diagnostics]
        for compilation in compile_exports(text, file="a", catalog=CATALOG)
    ]
    assert ["N8T122" in codes for codes in codes_per_workflow] == [True, False]
    assert ["N8T104" in codes for codes in codes_per_workflow] == [False, True]


def test_a_document_without_a_workflow_gives_one_compilation() -> None:
    (compilation,) = compile_exports("{}", file="x.json", catalog=CATALOG)
    assert [each.code for each in compilation.diagnostics] == ["N8T107"]


def test_memory_grows_with_the_length_of_a_list_and_not_with_its_square() -> None:
    def peak(count: int) -> int:
        text = json.dumps(
            [workflow(number, pinData={"Start": [{"json": {"t": "x" * 5_000}}]}) for number in range(count)]
        )
        tracemalloc.start()
        for compilation in compile_exports(text, file="all.json", catalog=CATALOG):
            list(findings(compilation.diagnostics, compilation.lines))
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(2)  # what is loaded at first use is not the list's
    assert peak(80) / peak(20) < 4.5


def test_an_excerpt_of_one_long_line_reads_the_characters_that_it_shows_and_no_others() -> None:
    class Counted(str):
        __slots__ = ()
        read = 0

        def __getitem__(self, part: Any) -> str:
            part_of_text = super().__getitem__(part)
            Counted.read += len(part_of_text)
            return part_of_text

    source = Counted("x" * 200_000)
    text, caret = excerpt(Lines(source), 1, 100_000)
    assert (len(text), caret) == (100, 40)
    assert Counted.read < 300


def test_a_document_that_came_as_parsed_json_has_no_places() -> None:
    assert Document(value=workflow(0)).spans([""], "") == {}
