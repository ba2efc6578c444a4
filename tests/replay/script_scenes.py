"""Scenes of scripts that hit a limit inside workflow code."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from unittest import mock

from bench.exports import loop, node, set_node
from runtime.expressions import ScriptLimit
from runtime.hosts.temporal.script_limits import RecordedEvaluator
from tests.replay.scenes import Stage

__all__ = ["SCRIPT_SCENES"]

IN_TIME: Final = 2
"""Scripts of the scene that end before their limit; the rest does not."""
SCRIPT: Final = "{{ [$json.n].map(x => `${x + 1}!`).join() }}"


async def scripts_over_their_limit(stage: Stage) -> None:
    """The body of a loop from its third turn on, a request, a wait, and a step after it."""
    calls: list[str] = []
    evaluate = RecordedEvaluator._first

    def limited(self: RecordedEvaluator, sources: Sequence[str], request: str, seconds: float, *, apart: bool) -> str:
        calls.append(request)
        if len(calls) > IN_TIME:
            raise ScriptLimit("slow")
        return evaluate(self, sources, request, seconds, apart=apart)

    export = loop()
    body = set_node("Body", 400, {"s": f"={SCRIPT}"}, "string")
    call = node("Call", "httpRequest", 4.2, {"url": f"=https://example.org/{SCRIPT}"}, 600, -200)
    wait = node("Wait", "wait", 1.1, {"amount": "={{ ['1'].map(x => Number(x))[0] }}", "unit": "seconds"}, 800, -200)
    after = set_node("After", 1000, {"s": "={{ [$json.method].map(x => `${x}?`).join() }}"}, "string")
    export["nodes"] = [body if each["name"] == "Body" else each for each in export["nodes"]] + [call, wait, after]
    for name, target in (("Done", "Call"), ("Call", "Wait"), ("Wait", "After")):
        export["connections"][name] = {"main": [[{"node": target, "type": "main", "index": 0}]]}
    with mock.patch.object(RecordedEvaluator, "_first", limited):
        await (await stage.start(export, [{"json": {"n": n}} for n in range(5)])).result()


async def patterns_beyond_re2(stage: Stage) -> None:
    """Two filters with a look-around: what they match is said by an activity, the second time of a loop too."""
    export = loop()
    rule = {
        "leftValue": "=a{{ $json.n }}",
        "rightValue": "a(?!2)",
        "operator": {"type": "string", "operation": "regex"},
    }
    conditions = {"options": {"version": 2}, "conditions": [rule], "combinator": "and"}
    body = node("Body", "filter", 2.2, {"conditions": conditions, "options": {}}, 400)
    export["nodes"] = [body if each["name"] == "Body" else each for each in export["nodes"]]
    await (await stage.start(export, [{"json": {"n": n}} for n in range(4)])).result()


SCRIPT_SCENES: dict[str, Callable[[Stage], Awaitable[None]]] = {
    "scripts-over-their-limit": scripts_over_their_limit,
    "patterns-beyond-re2": patterns_beyond_re2,
}
