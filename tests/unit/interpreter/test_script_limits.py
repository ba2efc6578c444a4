"""A script that hits its limit inside workflow code is evaluated in an activity: the same result, whatever kind of step it is."""

from collections.abc import Sequence
from typing import Any, Final

import pytest

from bench.exports import START, chain, loop, node, set_node
from cli.testing.case import plan_of
from runtime.catalog import CATALOG
from runtime.contract import HttpResponse
from runtime.expressions import ScriptLimit
from runtime.hosts.local.host import LocalHost, run_local
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.interpreter.run_info import RunInfo
from schemas.plan import Kind
from schemas.task import Task, TaskResult
from tests.unit.expressions.world import run_scripts

SCRIPT: Final = "{{ [$json.n].map(x => `${x + 1}!`).join() }}"
"""Needs V8, and is linear."""


class World(OfflineCapabilities):
    """Answers every request with its own URL."""

    def __init__(self) -> None:
        super().__init__(http=self)

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """See Http."""
        return HttpResponse(200, "OK", [("content-type", "text/plain")], f"{method} {url}".encode(), url)


class SlowHost(LocalHost):
    """Repeats workflow code, as Temporal does, on a machine where scripts hit their limit from the `slow`-th one on."""

    def __init__(self, slow: int) -> None:
        async def sleep(_: float) -> None:
            return

        super().__init__(CATALOG, World(), clock=lambda: 1_700_000_000_000, sleep=sleep)
        self.replays = slow > 0
        self.slow, self.calls, self.kinds = slow, 0, list[Kind]()
        self.working = False
        self.evaluator = self.evaluate

    def evaluate(self, sources: Sequence[str], request: str, seconds: float, *, apart: bool, final: bool) -> str:
        """See ScriptEvaluator."""
        if self.replays and not self.working:
            self.calls += 1
            if self.calls >= self.slow:
                raise ScriptLimit("too slow")
        return run_scripts(sources, request, seconds, apart=apart, final=final)

    def seed(self) -> int:
        """The same every time."""
        return 7

    async def work(self, task: Task, kind: Kind) -> TaskResult:
        """In this process, where scripts have time."""
        self.kinds.append(kind)
        self.working = True
        try:
            return await super().work(task, kind)
        finally:
            self.working = False


STEPS: Final[dict[str, tuple[dict[str, Any], list[Kind]]]] = {
    "inline": (set_node("Step", 200, {"s": f"={SCRIPT}"}, "string"), [Kind.LOCAL]),
    "an activity": (node("Step", "httpRequest", 4.2, {"url": f"=https://example.org/{SCRIPT}"}, 200), [Kind.ACTIVITY]),
    "a local activity": (
        node("Step", "markdown", 1, {"mode": "markdownToHtml", "markdown": f"=# {SCRIPT}"}, 200), [Kind.LOCAL]
    ),
    "durable": (
        node("Step", "wait", 1.1, {"amount": "={{ [$json.n].map(x => x + 1)[0] }}", "unit": "seconds"}, 200), [Kind.LOCAL]
    ),
}  # fmt: skip


async def outcome(export: dict[str, Any], host: LocalHost, *, count: int = 2) -> Any:
    """Return status, error and outputs of a run over so many items."""
    items: Any = [{"json": {"n": n}} for n in range(count)]
    execution, finished = await run_local(plan_of(export), host, RunInfo(execution_id="1"), items)
    return finished.status, finished.error, execution.result()


@pytest.mark.parametrize("name", STEPS)
async def test_a_step_over_its_limit_is_evaluated_in_an_activity(name: str) -> None:
    """One call of V8 in workflow code, which gave up; then the step's own activity, or a local one."""
    step, kinds = STEPS[name]
    expected = await outcome(chain(START, step), SlowHost(0))
    assert expected[0] == "success"
    slow = SlowHost(1)
    assert await outcome(chain(START, step), slow) == expected
    assert (slow.calls, slow.kinds) == (1, kinds)


async def test_from_then_on_the_step_does_not_try_again() -> None:
    """A loop of five turns: the second script hits the limit, and the turns after it do not wait for another one."""
    export = loop()
    body = set_node("Body", 400, {"s": f"={SCRIPT}"}, "string")
    export["nodes"] = [body if each["name"] == "Body" else each for each in export["nodes"]]
    expected = await outcome(export, SlowHost(0), count=5)
    slow = SlowHost(2)
    assert await outcome(export, slow, count=5) == expected
    assert (slow.calls, len(slow.kinds)) == (2, 4)


async def test_another_run_of_the_same_plan_tries_for_itself() -> None:
    """Its history does not hold the limit of the first one, and on another worker nobody knows of that."""
    plan, slow = plan_of(chain(START, STEPS["inline"][0])), SlowHost(1)
    await run_local(plan, slow, RunInfo(execution_id="1"), [{"json": {"n": 1}}])
    fast = SlowHost(9)
    await run_local(plan, fast, RunInfo(execution_id="2"), [{"json": {"n": 1}}])
    assert (slow.calls, slow.kinds) == (1, [Kind.LOCAL])
    assert (fast.calls, fast.kinds) == (1, [])


async def test_a_step_that_needs_more_in_the_activity_too_has_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """In words, and On Error applies."""

    def endless(*_: Any, **__: Any) -> str:
        raise ScriptLimit("Expression timed out")

    host = SlowHost(1)
    host.evaluator = endless
    status, error, _ = await outcome(chain(START, STEPS["inline"][0]), host)
    assert (status, error["message"], error["node"]) == ("error", "Expression timed out", "Step")
    host = SlowHost(1)
    host.evaluator = endless
    export = chain(START, STEPS["inline"][0] | {"onError": "continueRegularOutput"})
    assert (await outcome(export, host))[0] == "success"


async def test_parameters_of_a_sub_node_over_their_limit_are_an_error_of_the_step() -> None:
    """The step asks for them in the middle of its work, so that they cannot be evaluated elsewhere."""
    model = {
        "id": "m", "name": "Model", "type": "@n8n/n8n-nodes-langchain.lmChatOpenAi", "typeVersion": 1.2, "position": [0, 0],
        "parameters": {"model": {"__rl": True, "value": "gpt", "mode": "id"}, "options": {}},
    }  # fmt: skip
    schema = '={{ [1].map(x => \'{"type": "object"}\')[0] }}'
    parser = {
        "id": "p", "name": "Parser", "type": "@n8n/n8n-nodes-langchain.outputParserStructured", "typeVersion": 1.2,
        "position": [0, 0], "parameters": {"schemaType": "manual", "inputSchema": schema},
    }  # fmt: skip
    llm = {
        "id": "c", "name": "Chain", "type": "@n8n/n8n-nodes-langchain.chainLlm", "typeVersion": 1.5, "position": [0, 0],
        "parameters": {"promptType": "define", "text": "hello", "hasOutputParser": True},
    }  # fmt: skip
    export = chain(START, llm)
    export["nodes"] += [model, parser]
    for name, kind in (("Model", "ai_languageModel"), ("Parser", "ai_outputParser")):
        export["connections"][name] = {kind: [[{"node": "Chain", "type": kind, "index": 0}]]}
    status, error, _ = await outcome(export, SlowHost(1))
    assert status == "error"
    assert error["message"] == "The expressions in the parameters of 'Parser' need too much time or memory"
