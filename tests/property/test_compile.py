"""The compiler never raises, whatever its input, and never takes long: limits are findings."""

import copy
import json
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler import Compilation
from tests.unit.compiler.making import compiled, export, node, to

Json = Any

MODEL = node("Model", "@n8n/n8n-nodes-langchain.lmChatOpenAi", 1.2)
FIELDS = {
    "assignments": {
        "assignments": [{"id": "1", "name": "a", "value": "={{ $('Start').item.json.x }}", "type": "string"}]
    }
}
SEED = export(
    node("Edit", "n8n-nodes-base.set", 3.4, parameters=FIELDS, notes="tempor8: ignore N8T303 because"),
    node("Check", "n8n-nodes-base.if", 2.2, onError="continueErrorOutput", retryOnFail=True, maxTries=4),
    node("Agent", "@n8n/n8n-nodes-langchain.agent", 2, credentials={"x": {"id": "1", "name": "n"}}),
    MODEL,
    connections={
        "Start": {"main": [[to("Edit")]]},
        "Edit": {"main": [[to("Check")]]},
        "Check": {"main": [[to("Agent")], None, [to("Edit")]]},
        "Model": {"ai_languageModel": [[to("Agent", 0, "ai_languageModel")]]},
    },
    pinData={"Start": [{"json": {"x": 1}}]},
    staticData={"global": {}},
)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["={{", "={{ $json. }}", "\ud800", "__proto__", "🙂" * 3, -1, 1e308, 10**30]),
    st.just([]),
    st.just({}),
    st.lists(st.none(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.none(), max_size=2),
)


def paths(value: Json, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    listed = [at]
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in members:
        listed += paths(each, (*at, key))
    return listed


PATHS = [path for path in paths(SEED) if path]


@st.composite
def mutated(draw: st.DrawFn) -> Json:
    """The seed with a few members dropped, doubled or replaced."""
    document = copy.deepcopy(SEED)
    for path in draw(st.lists(st.sampled_from(PATHS), min_size=1, max_size=5)):
        holder = document
        try:
            for key in path[:-1]:
                holder = holder[key]
            if draw(st.booleans()):
                holder[path[-1]] = draw(ODD)
            else:
                del holder[path[-1]]
        except (KeyError, IndexError, TypeError):
            continue  # an earlier mutation took the place away
    return document


def assert_sound(compilation: Compilation) -> None:
    assert [each.message for each in compilation.diagnostics if each.code.startswith("N8T9")] == []
    assert compilation.plan is not None or any(each.level == "error" for each in compilation.diagnostics)
    for each in compilation.diagnostics:
        assert each.message is not None
        json.dumps(each.to_json())


@given(mutated())
@settings(deadline=None)
def test_a_mutated_export_gives_findings_or_a_plan(document: Json) -> None:
    assert_sound(compiled(json.dumps(document)))
    assert_sound(compiled(json.dumps(document), lenient=True, allow_unsupported=True))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(deadline=None)
def test_any_bytes_give_findings(content: bytes) -> None:
    assert compiled(content).diagnostics


def deep(levels: int) -> str:
    return json.dumps(SEED)[:-1] + ',"x":' + "[" * levels + "]" * levels + "}"


def wide(nodes: int) -> str:
    plain = json.dumps(node("n%d"))
    listed = ",".join(plain.replace("n%d", f"n{i}") for i in range(nodes))
    return f'{{"nodes":[{listed}],"connections":{{}}}}'


def circle(nodes: int) -> str:
    listed = [node(f"n{i}") for i in range(nodes)]
    wires = {f"n{i}": {"main": [[to(f"n{(i + 1) % nodes}"), to(f"n{(i * 7) % nodes}")]]} for i in range(nodes)}
    wires["Start"] = {"main": [[to("n0")]]}
    return json.dumps(export(*listed, connections=wires))


def chain(nodes: int) -> str:
    read = [{"x": f"={{{{ $('n{(i * 31) % nodes}').first().json.a }}}}"} for i in range(nodes)]
    return json.dumps(export(*(node(f"n{i}", parameters=read[i]) for i in range(nodes))))


def expression(size: int) -> str:
    text = "={{ " + "$json.a + " * size + "1 }}"
    return json.dumps(export(node("Edit", "n8n-nodes-base.set", 3.4, parameters={"x": text})))


def braces(size: int) -> str:
    return json.dumps(export(node("Edit", "n8n-nodes-base.set", 3.4, parameters={"x": "=" + "{{ " * size})))


HOSTILE: dict[str, Callable[[], str | bytes]] = {
    "10,000 levels": lambda: deep(10_000),
    "190 levels": lambda: deep(190),
    "100,000 nodes": lambda: wide(100_000),
    "2,000 nodes in circles": lambda: circle(1_999),
    "50 MB of text": lambda: '{"nodes": "' + "x" * 50_000_000 + '"}',
    "50 MB of brackets": lambda: "[" * 50_000_000,
    "15 MB in one text": lambda: json.dumps(export(node("A", parameters={"x": "y" * 15_000_000}))),
    "invalid UTF-8": lambda: b'{"nodes": [\xff\xfe]}',
    "UTF-16": lambda: json.dumps(SEED).encode("utf-16"),
    "NaN": lambda: '{"nodes": [], "x": NaN}',
    "duplicate keys": lambda: "{" + ",".join('"a": 1' for _ in range(100_000)) + "}",
    "a number of 100,000 digits": lambda: '{"nodes": [], "x": ' + "9" * 100_000 + "}",
    "lone surrogates": lambda: '{"nodes": [{"name": "\\ud800", "type": "a.b", "parameters": {}}], "connections": {}}',
    "a long expression": lambda: expression(20_000),
    "unclosed braces": lambda: braces(50_000),
    "a chain of 1,999 nodes that read one another": lambda: chain(1_999),
    "a null byte": lambda: b'{"nodes": [{"name": "\\u0000", "type": "a.b"}]}\x00',
    "1,000 names that are nearly alike": lambda: json.dumps(
        export(
            *(
                node(f"node number {i}", parameters={"x": f"={{{{ $('node numbre {i}').item.json.a }}}}"})
                for i in range(1000)
            )
        )
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_is_answered_quickly_and_in_little_memory(name: str) -> None:
    content = HOSTILE[name]()
    started = time.process_time()
    compilation = compiled(content)
    seconds = time.process_time() - started
    assert_sound(compilation)
    assert seconds < 6  # seconds of processor time; quadratic work takes minutes


def test_a_large_export_takes_little_memory() -> None:
    content = circle(1_999)
    tracemalloc.start()
    compiled(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300_000_000
