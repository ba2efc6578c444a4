"""Parts of retrieval and of tools by themselves: what no recorded run reaches."""

import io
import zipfile
from typing import Any, cast

import pytest

from runtime.agents.retries import RETRIES, pause_before_retry
from runtime.agents.retrieval.file_documents import MAX_WORD_BYTES, of_binary
from runtime.agents.retrieval.json_texts import MAX_TEXTS, TooManyTextsError, texts
from runtime.agents.retrieval.retrieving import limit
from runtime.agents.retrieval.splitting import split_text
from runtime.agents.retrieval.text_splitter_token_splitter import TextSplitterTokenSplitter
from runtime.agents.retrieval.vector_store import stable_id
from runtime.agents.tools.argument_check import problems
from runtime.agents.tools.event_lines import EventLines
from runtime.agents.tools.toolbox import MAX_ANSWER_CHARACTERS, bounded
from runtime.contract import ActivityContext, NodeError
from runtime.hosts.local.capabilities.blobs import InlineBlobs
from runtime.hosts.local.capabilities.vectors import MemoryVectors
from runtime.values.binary import binary_ref
from schemas.item import Item

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def word(xml: str) -> bytes:
    """A Word file with this document."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", xml)
    return packed.getvalue()


async def load(data: bytes, type_: str) -> list[str]:
    """The texts of a file."""

    class Context:
        blobs = InlineBlobs()

        async def on_thread(self, function: Any, *args: Any) -> Any:
            return function(*args)

    item = cast("Item", {"json": {}, "binary": {"data": binary_ref(data, type_, "f")}})
    found = await of_binary(cast("ActivityContext", Context()), item, ["data"], "auto", {})
    return [each["pageContent"] for each in found]


async def test_a_word_file_gives_its_paragraphs() -> None:
    xml = '<w:p><w:r><w:t xml:space="preserve">Tea &amp; </w:t><w:t>milk</w:t></w:r></w:p><w:p><w:t>Two</w:t></w:p>'
    assert await load(word(xml), DOCX) == ["Tea & milk\n\nTwo"]


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"no zip", "This is no Word file"), (word(" " * (MAX_WORD_BYTES + 1)), "The text of this Word file is over")],
)
async def test_a_file_that_is_no_word_file_or_unpacks_to_too_much_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(NodeError, match=message):
        await load(data, DOCX)


def test_json_that_is_nested_to_give_endless_texts_is_refused() -> None:
    value: Any = ["x"] * 200
    for _ in range(200):
        value = [value]
    with pytest.raises(TooManyTextsError, match=str(MAX_TEXTS)):
        texts(value)


def test_tokens_are_estimated_and_chunks_may_cut_words() -> None:
    splitter = TextSplitterTokenSplitter.bind({"chunkSize": 2, "chunkOverlap": 0}, 1)
    assert split_text("abcdefghijk", splitter.splitting()) == ["abcdefgh", "ijk"]


@pytest.mark.parametrize(("size", "overlap"), [(5, 5), ("x", 0), (None, 3)])
def test_an_overlap_that_is_not_smaller_than_the_chunk_is_refused(size: Any, overlap: Any) -> None:
    splitter = TextSplitterTokenSplitter.bind({"chunkSize": size, "chunkOverlap": overlap}, 1)
    with pytest.raises(NodeError, match=r"chunkOverlap|numbers"):
        splitter.splitting()


@pytest.mark.parametrize(("value", "wanted"), [(3, 3), ("5", 5), (None, 4), (True, 4), (2.9, 2)])
def test_a_limit_is_read_leniently(value: Any, wanted: int) -> None:
    assert limit(value) == wanted


@pytest.mark.parametrize("value", [0, -1, "many"])
def test_a_limit_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(NodeError, match="Limit"):
        limit(value)


async def test_vectors_of_two_models_do_not_mix() -> None:
    store = MemoryVectors({})
    await store.add("k", [{"id": "1", "document": {}, "vector": [1.0, 0.0]}])
    with pytest.raises(NodeError, match="do not match"):
        await store.nearest("k", [1.0], 1)


def test_ids_of_documents_are_the_same_on_every_attempt() -> None:
    assert stable_id("run/Store/0/0", 1) == stable_id("run/Store/0/0", 1) != stable_id("run/Store/0/0", 2)


def test_a_long_answer_of_a_tool_is_cut_and_says_so() -> None:
    assert bounded("x" * MAX_ANSWER_CHARACTERS) == "x" * MAX_ANSWER_CHARACTERS
    cut = bounded("x" * 10_000_000)
    assert len(cut) < MAX_ANSWER_CHARACTERS + 200
    assert "of 10000000 characters" in cut


@pytest.mark.parametrize(
    ("arguments", "schema", "told"),
    [
        ({"n": "5"}, {"properties": {"n": {"type": "integer"}}}, "n: '5' is not of type 'integer'"),
        ({}, {"required": ["n"]}, "'n' is a required property"),
        ({"n": 1, "z": 2}, {"properties": {"n": {}}, "additionalProperties": False}, ""),
        ({"s": "x" * 30}, {"properties": {"s": {"pattern": "^(x+)+$"}}}, ""),
        ({"s": "y"}, {"properties": {"s": {"pattern": "^x"}}}, "s: 'y' does not match '^x'"),
        ({}, {"$ref": "#/nowhere"}, ""),
        ({"a": {"b": 1}}, {"properties": {"a": {"properties": {"b": {"enum": [2]}}}}}, "a.b: 1 is not one of [2]"),
    ],
)
def test_what_does_not_fit_a_schema_is_told_with_its_place(arguments: Any, schema: Any, told: str) -> None:
    assert problems(arguments, {"type": "object"} | schema) == told


def test_a_busy_vendor_is_asked_again_a_few_times() -> None:
    busy = {"retryable": True, "retryAfter": 7.0}
    first = pause_before_retry(busy, 0)
    assert first is not None
    assert first.seconds == 7.0
    assert pause_before_retry(busy, RETRIES) is None
    assert pause_before_retry({"message": "no"}, 0) is None
    assert pause_before_retry(None, 0) is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("data: {}\n\n", ["{}"]), ("event: message\ndata:1\ndata: 2\n\n: hi\n\ndata: 3", ["1\n2", "3"]), ("", [])],
)
def test_events_of_a_stream_are_read(text: str, wanted: list[str]) -> None:
    assert [data for _, data in EventLines().feed(text.encode() + b"\n\n")] == wanted
