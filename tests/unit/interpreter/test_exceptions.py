"""Any exception of a step is n8n's node error at that step, with On Error, retries and the journal; one outside ends the run."""

from typing import Any, Final

import pytest
import structlog

from cli.testing.case import plan_of, run_case
from runtime.contract import Activity, ActivityContext, Durable, DurableContext, Inline, Items, NodeError, Outputs
from runtime.engine.machine import Engine
from runtime.hosts.local.host import LocalHost, run_local
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.interpreter.failures import node_error
from runtime.interpreter.journal import journal
from runtime.interpreter.run_info import RunInfo
from runtime.values.javascript import BigInt
from runtime.values.problem import ProblemError
from tests.conformance.doubles import with_nodes
from tests.exports import export, node

SECRET: Final = "the customer's password"


def _deep() -> int:
    return _deep() + 1


RAISES: Final[dict[str, Any]] = {
    "a member that a number does not have": lambda: (1).partition,  # type: ignore[attr-defined]
    "a text that is no number": lambda: int(SECRET),
    "a key that is missing": lambda: dict[str, int]()[SECRET],
    "an index that is missing": lambda: list(SECRET)[99],
    "a key that cannot be one": lambda: {[]: 1},
    "a recursion without end": _deep,
    "a list that memory cannot hold": lambda: [0] * 2**61,
    "a number that is too large": lambda: int(1e308 * 10),
    "half of a surrogate pair": "\ud83d".encode,
    "a division by zero": lambda: 1 // 0,
    "a class of its own": lambda: (_ for _ in ()).throw(type("OddError", (Exception,), {})(SECRET)),
    "several at once": lambda: (_ for _ in ()).throw(ExceptionGroup("all", [ValueError(SECRET)])),
}
"""What a node does -> how Python answers."""
broken: Any = None
"""What the nodes below do."""


class Pure(Inline):
    """Breaks in workflow code."""

    type = "test.pure"
    versions = (1,)

    def run(self, context: Any, items: Items) -> Outputs:
        """Break."""
        del context, items
        return broken()  # type: ignore[no-any-return]


class Worldly(Activity):
    """Breaks in an activity."""

    type = "test.worldly"
    versions = (1,)

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Break."""
        del context, items
        return broken()  # type: ignore[no-any-return]


class Lasting(Durable):
    """Breaks in its reducer."""

    type = "test.lasting"
    versions = (1,)

    def advance(self, context: DurableContext, state: Any, event: Any) -> Any:
        """Break."""
        del context, state, event
        return broken()


CATALOG: Final = with_nodes(Pure, Worldly, Lasting)
KINDS: Final = ("pure", "worldly", "lasting")


async def _run(kind: str, act: Any, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> dict[str, Any]:
    monkeypatch.setitem(globals(), "broken", act)
    step = node("Break", kind) | {"type": f"test.{kind}"} | settings
    workflow = export("case", node("Start", "executeWorkflowTrigger"), step, node("After", "noOp"))
    return await run_case({"workflow": workflow, "start": "Start", "input": [{"json": {"a": 1}}]}, catalog=CATALOG)


@pytest.mark.parametrize("name", RAISES)
@pytest.mark.parametrize("kind", KINDS)
async def test_an_exception_is_the_error_of_its_node(kind: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its text, which may hold data, is neither in the message nor in the log; the log has where it was raised."""
    with structlog.testing.capture_logs() as logs:
        ran = await _run(kind, RAISES[name], monkeypatch)
    assert ran["status"] == "error"
    assert ran["error"]["node"] == "Break"
    assert f"the node {kind}" in ran["error"]["message"].lower()
    assert SECRET not in str(ran)
    assert SECRET not in str(logs)
    assert "test_exceptions.py" in str(logs)


@pytest.mark.parametrize("kind", KINDS)
async def test_on_error_goes_on_after_an_exception(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = await _run(kind, RAISES["a text that is no number"], monkeypatch, onError="continueRegularOutput")
    assert ran["status"] == "success"
    assert [list(ran["nodes"])[-1], len(ran["nodes"]["After"])] == ["After", 1]


@pytest.mark.parametrize("kind", KINDS)
async def test_an_exception_is_tried_again_as_the_settings_say(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def third() -> Any:
        tries.append(1)
        if len(tries) < 3:
            raise AttributeError("no")
        raise NodeError("the third")

    ran = await _run(kind, third, monkeypatch, retryOnFail=True, maxTries=3, waitBetweenTries=0)
    assert ran["error"]["message"] == "the third"


@pytest.mark.parametrize(
    "outputs",
    [5, [5], [[5]], [[None]], [[{}]], [[{"json": {}, "pairedItem": {"input": 0}}, 7]], [{"json": {}}], ["text"]],
)
@pytest.mark.parametrize("kind", ["pure", "worldly"])
async def test_outputs_that_are_no_items_are_an_error_of_the_node(
    kind: str, outputs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They do not get into the engine's state, where they would break the steps after it."""
    ran = await _run(kind, lambda: outputs, monkeypatch)
    assert (ran["status"], ran["error"]["node"]) == ("error", "Break")


async def test_an_exception_of_the_engine_ends_the_run_with_its_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps before it are told."""
    workflow = export("case", node("Start", "executeWorkflowTrigger"), node("A", "noOp"), node("B", "noOp"))

    def deliver(*_: Any) -> bool:
        raise LookupError(SECRET)

    first = Engine._schedule

    def schedule(engine: Engine, step: Any, *rest: Any) -> None:
        if step.name == "A":
            deliver()
        first(engine, step, *rest)

    monkeypatch.setattr(Engine, "_schedule", schedule)
    host = LocalHost(CATALOG, OfflineCapabilities())
    execution, finished = await run_local(plan_of(workflow), host, RunInfo(execution_id="1"), [{"json": {}}])
    told = journal(execution, finished)
    assert [step.node for step in told.steps] == ["Start", "A"]
    assert told.error == {
        "name": "WorkflowOperationError",
        "message": "The run ended by a fault of the service (LookupError). The log of the worker has the details.",
    }


MESSAGES: Final = [
    (AttributeError("x", name="x", obj=1), "The node set cannot use a number here"),
    (TypeError("unhashable type: 'list'"), "The node set cannot use an array here"),
    (TypeError("int() argument must be a string, not 'NoneType'"), "The node set cannot use null here"),
    (TypeError("expected str instance, BigInt found"), "The node set cannot use a value of this kind here"),
    (TypeError(f"'{BigInt.__name__}' object is not iterable"), "The node set cannot use a BigInt here"),
    (ProblemError("n8n's own text", "and more"), "n8n's own text"),
]


@pytest.mark.parametrize(("error", "message"), MESSAGES)
def test_a_message_says_which_kind_of_value_was_wrong(error: Exception, message: str) -> None:
    assert node_error(error, "n8n-nodes-base.set").message == message
