"""Scenes of scripts that hit a limit inside workflow code, and of local activities that do not end within their task."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from unittest import mock

from bench.exports import START, chain, loop, node, set_node
from cli.testing.case import plan_of
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


async def local_activities_without_time(stage: Stage) -> None:
    """A step that computes, the look-up of a sub-workflow, and the static data: each goes on as an ordinary activity."""
    stage.templates.plans["sub"] = plan_of(
        chain(node("When", "executeWorkflowTrigger", 1.1, {"inputSource": "passthrough"}, 0))
    )
    hashed = node("Hash", "crypto", 1, {"action": "hash", "type": "SHA256", "value": "={{ $json.a }}"}, 200)
    count = node("Count", "code", 2, {"jsCode": "$getWorkflowStaticData('global').n = 1; return $input.all();"}, 400)
    call = node(
        "Call", "executeWorkflow", 1.2, {"workflowId": {"__rl": True, "mode": "id", "value": "sub"}, "options": {}}, 600
    )
    with mock.patch("runtime.hosts.temporal.local_activities.TASK_SECONDS", 0.0):
        await (await stage.start(chain(START, hashed, count, call), [{"json": {"a": "x"}}])).result()


SCRIPT_SCENES: dict[str, Callable[[Stage], Awaitable[None]]] = {
    "scripts-over-their-limit": scripts_over_their_limit,
    "patterns-beyond-re2": patterns_beyond_re2,
    "local-activities-without-time": local_activities_without_time,
}
