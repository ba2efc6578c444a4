"""What we say about broken JSON is what V8 says: V8 is asked about thousands of texts."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Final

import pytest
from py_mini_racer import MiniRacer

from runtime.values.json_error import json_error
from runtime.values.json_text import NotJsonError, parse_json

SEEDS: Final = (
    '{"a": 1, "b": [true, null, "x\\u00e9\\n"], "c": -1.5e+10}',
    '[1,2,{"k":"v"}]',
    '"text"',
    "-0.5",
    '{"name":"Ünïcödé","list":[[],{}]}\n\n{"a"',
    "undefined",
    "NaN",
    "[object Object]",
    '{"emoji":"😀😀","b":2}',
    "{'a': 1}",
    "{a: 1}",
    '{"a":1,}',
    '{"long": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "b": 12345}',
    "",
    " ",
)
SYMBOLS: Final = "{}[]:,\"\\ \n\r\tntfu019-+.eE/xé😀\u2028\x01\x7f'`٣"
TEXTS: Final = 5_000

Ask = Callable[[list[str]], list[str | None]]


@pytest.fixture(scope="module")
def v8() -> Iterator[Ask]:
    """Return V8's message for each text, None for what it accepts."""
    with MiniRacer() as engine:
        engine.eval(
            "var messages = texts => JSON.stringify(JSON.parse(texts).map("
            "text => { try { JSON.parse(text); return null } catch (error) { return error.message } }))"
        )
        yield lambda texts: json.loads(str(engine.call("messages", json.dumps(texts))))


def broken(chance: random.Random) -> str:
    """Return one of the seeds with one to four edits."""
    text = chance.choice(SEEDS)
    for _ in range(chance.randint(1, 4)):
        start, end = sorted((chance.randint(0, len(text)), chance.randint(0, len(text))))
        edits = (
            text[:start] + chance.choice(SYMBOLS) + text[start:],
            text[:start] + text[start + 1 :],
            text[:start],
            text[:start] + chance.choice(SYMBOLS) + text[end:],
        )
        text = chance.choice(edits)
    return text


def test_every_broken_text_gets_the_sentence_of_v8(v8: Ask) -> None:
    chance = random.Random(13)  # noqa: S311 - test data that is the same on every run
    texts = [*SEEDS, *(broken(chance) for _ in range(TEXTS))]
    messages = v8(texts)
    assert sum(message is not None for message in messages) > TEXTS // 2
    expected = [
        message and message.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for message in messages
    ]
    differences = [
        (text, message, json_error(text))
        for text, message in zip(texts, expected, strict=True)
        if json_error(text) != message
    ]
    assert differences == []


def test_what_is_not_json_says_so_with_the_sentence_of_v8(v8: Ask) -> None:
    texts = ["{a: 1}", "[1,2", "", "NaN", '{"a":\r1 2}', "[1,2,3,4,é]"]
    for text, message in zip(texts, v8(texts), strict=True):
        with pytest.raises(NotJsonError) as refusal:
            parse_json(text)
        assert refusal.value.message == message


def test_brackets_too_deep_for_python_still_get_a_sentence() -> None:
    with pytest.raises(NotJsonError) as refusal:
        parse_json("[" * 100_000)
    assert refusal.value.message == '"[[[[[[[[[["... is not valid JSON'
