"""Tools that are durable themselves: their reducers run inside the agent's, and a tool that cannot run fails the step."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import Any, cast

import pytest

from compiler import compile_export
from runtime.agents.roots.agent_loop import Agent
from runtime.catalog import CATALOG
from runtime.contract import AwaitSignal, Command, DurableContext, Event, HttpResponse, NodeError
from runtime.hosts.local.host import LocalHost, run_local
from runtime.interpreter.execution import Execution
from runtime.interpreter.run_info import RunInfo
from runtime.platform.embedded.fake_vendor import StandIn
from schemas.item import Json
from schemas.outcome import Finished
from schemas.plan import Kind, Plan
from schemas.task import Task
from tests.patience import PATIENCE
from tests.unit.agents.world import World, calls, model, node, outputs, plan_of, text_answer, workflow

MODEL = (model(), "ai_languageModel")
TO = "={{ $fromAI('to') }}"
SMTP = {"smtp": {"id": "1", "name": "mail"}}


class Post(World):
    """A world with a mailbox for what is sent."""

    def __init__(self, stand_in: StandIn, *, refuses: bool = False) -> None:
        super().__init__(stand_in)
        self.refuses = refuses
        self.sent: list[tuple[Task, EmailMessage]] = []

    def provide(self, name: str, task: Task) -> Any:
        return Outbox(self, task) if name == "mail" else super().provide(name, task)


class Outbox:
    """What one task may do with mail: send it."""

    def __init__(self, post: Post, task: Task) -> None:
        self.post, self.task = post, task

    async def send(
        self, sender: str, recipients: Sequence[str], message: EmailMessage, *, verify: bool = True, item: int = 0
    ) -> dict[str, Any]:
        if self.post.refuses:
            raise NodeError("Mailbox unavailable", item=item)
        self.post.sent.append((self.task, message))
        return {"accepted": list(recipients)}


class Desk(LocalHost):
    """A host on which every wait for a call is answered at once: the wait with ordinal `n` by `answers[n]`."""

    def __init__(self, world: World, answers: Sequence[Any] = ()) -> None:
        super().__init__(CATALOG, world)
        self.answers = list(answers)
        self.waits: list[tuple[str, int | None, str]] = []
        self.waiting = asyncio.Event()

    async def signal(
        self, step: str, run_index: int, command: AwaitSignal, ordinal: int | None = None, call: str = ""
    ) -> Any:
        del run_index, command
        self.waits.append((step, ordinal, call))
        self.waiting.set()
        return [{"json": self.answers[ordinal or 0]}]


def sends(name: str = "Send", **parameters: Any) -> tuple[dict[str, Any], str]:
    """The Send Email node as a tool of the agent."""
    fields = {"fromEmail": "a@x.org", "toEmail": TO, "subject": "s", "emailFormat": "text", "text": "t"} | parameters
    return node(name, "n8n-nodes-base.emailSendTool", 2.1, fields, credentials=SMTP), "ai_tool"


def asks(name: str = "Ask") -> tuple[dict[str, Any], str]:
    """The same, with a question that it waits for."""
    approval = {"values": {"approvalType": "double"}}
    question = {"message": "Go?", "approvalOptions": approval}
    return sends(name, operation="sendAndWait", **question)


def agent(*parts: Any, version: float = 2.2, **parameters: Any) -> Plan:
    """An agent with these parts."""
    return plan_of(workflow(node("A", "agent", version, parameters), MODEL, *parts))


async def run(plan: Plan, host: LocalHost, *questions: str) -> tuple[Execution, Finished]:
    """Run to the end."""
    info = RunInfo(execution_id="run-1", base_url="https://api.example", resume_secret="secret")
    return await run_local(plan, host, info, [{"json": {"chatInput": each}} for each in questions or ("go",)])


def both(*each: dict[str, Any]) -> dict[str, Any]:
    """Several tool calls in one answer of the model."""
    return {"tool_calls": [call for one in each for call in one["tool_calls"]]}


def tool_answers(stand_in: StandIn) -> dict[str, str]:
    """What the model was given as the answers of its tools, by call."""
    messages = stand_in.requests[-1].body["messages"]
    return {each["tool_call_id"]: each["content"] for each in messages if each["role"] == "tool"}


@pytest.fixture
def through_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every state of the agent goes through JSON before the next event, as when another process goes on with it."""
    advance = Agent.advance

    def again(self: Agent, context: DurableContext, state: Json, event: Event | None) -> tuple[Json, list[Command]]:
        new_state, commands = advance(self, context, json.loads(json.dumps(state)), event)
        return json.loads(json.dumps(new_state)), commands

    monkeypatch.setattr(Agent, "advance", again)


def test_the_tool_variant_of_a_durable_node_is_a_sub_node_of_the_plan() -> None:
    assert agent(sends()).step["Send"].kind is Kind.SUBNODE


async def test_a_durable_tool_does_its_work_with_the_arguments_of_the_model() -> None:
    with StandIn(script=[calls("Send", {"to": "b@x.org"}), text_answer("done")]) as stand_in:
        world = Post(stand_in)
        execution, finished = await run(agent(sends()), Desk(world))
        answers = tool_answers(stand_in)
    assert finished.status == "success"
    assert outputs(execution, "A") == [[{"output": "done"}]]
    assert [message["To"] for _, message in world.sent] == ["b@x.org"]
    assert json.loads(answers["call_1"]) == [{"accepted": ["b@x.org"]}]


async def test_an_error_of_a_durable_tool_is_its_answer() -> None:
    with StandIn(script=[calls("Send", {"to": "b@x.org"}), text_answer("sorry")]) as stand_in:
        execution, finished = await run(agent(sends()), Desk(Post(stand_in, refuses=True)))
        answers = tool_answers(stand_in)
    assert finished.status == "success"
    assert outputs(execution, "A") == [[{"output": "sorry"}]]
    assert json.loads(answers["call_1"]) == [{"error": "Mailbox unavailable"}]


@pytest.mark.usefixtures("through_json")
async def test_two_calls_of_a_tool_that_asks_a_person_have_links_waits_and_answers_of_their_own() -> None:
    script = both(calls("Ask", {"to": "b@x.org"}), calls("Ask", {"to": "c@x.org"}, "call_2"))
    with StandIn(script=[script, text_answer("done")]) as stand_in:
        world = Post(stand_in)
        host = Desk(world, [{"approved": True}, {"approved": False}])
        execution, finished = await run(agent(asks()), host)
        answers = tool_answers(stand_in)
    assert finished.status == "success", finished.error
    # each waits when its own message is sent, and they are sent side by side
    assert sorted((step, ordinal) for step, ordinal, _ in host.waits) == [("Ask", 0), ("Ask", 1)]
    assert len({call for _, _, call in host.waits}) == 2
    assert sorted(message["To"] for _, message in world.sent) == ["b@x.org", "c@x.org"]  # sent side by side
    first, second = (message.as_string() for _, message in world.sent)
    assert "https://api.example" in first
    assert set(_links(first)).isdisjoint(_links(second))
    assert [json.loads(answers[id_]) for id_ in ("call_1", "call_2")] == [
        [{"data": {"approved": True}}],
        [{"data": {"approved": False}}],
    ]
    assert execution.info.waits == 2


def _links(text: str) -> list[str]:
    return [line.partition(": ")[2] for line in text.splitlines() if ": https://" in line]


@pytest.mark.usefixtures("through_json")
async def test_a_durable_tool_goes_on_while_another_tool_is_still_at_work() -> None:
    class Slow(Post):
        async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
            if url.endswith("/any"):
                await asyncio.wait_for(host.waiting.wait(), PATIENCE)
            return await super().request(method, url, **options)

    script = both(calls("Get", {}), calls("Ask", {"to": "b@x.org"}, "call_2"))
    with StandIn(script=[script, text_answer("done")]) as stand_in:
        get = node("Get", "n8n-nodes-base.httpRequestTool", 4.2, {"url": f"{stand_in.url}/any"})
        host = Desk(Slow(stand_in), [{"approved": True}])
        _, finished = await run(agent(asks(), (get, "ai_tool")), host)
        answers = tool_answers(stand_in)
    assert finished.status == "success", finished.error
    assert json.loads(answers["call_2"]) == [{"data": {"approved": True}}]
    assert "stand_in" in answers["call_1"]


async def test_no_two_calls_of_durable_tools_share_what_idempotency_keys_are_made_of() -> None:
    twice = both(calls("Send", {"to": "b@x.org"}), calls("Send", {"to": "b@x.org"}, "call_2"))
    script = [twice, twice, text_answer("one"), twice, text_answer("two")]
    with StandIn(script=script) as stand_in:
        world = Post(stand_in)
        _, finished = await run(agent(sends()), Desk(world), "1", "2")
    assert finished.status == "success"
    keys = [(task["step"]["name"], task["run_index"], task.get("method"), task.get("call")) for task, _ in world.sent]
    assert len(keys) == 6
    assert len(set(keys)) == 6


@pytest.mark.parametrize(
    ("tool", "problem"),
    [
        (node("Tool", "n8n-nodes-base.waitTool", 1.1), "waitTool"),
        (node("Tool", "toolWolframAlpha", 1), "toolWolframAlpha"),
        (node("Tool", "chainLlmTool", 1.5), "chainLlmTool"),
    ],
)
async def test_an_unsupported_tool_is_reported_and_where_it_is_let_through_it_fails_the_step(
    tool: Mapping[str, Any], problem: str
) -> None:
    own = [(model() | {"name": "Own"}, "ai_languageModel", "Tool")] if "langchain" in tool["type"] else []
    export = json.dumps(workflow(node("A", "agent", 2.2), MODEL, (dict(tool), "ai_tool"), *own))
    refused = compile_export(export, file="test.json", catalog=CATALOG)
    assert refused.plan is None
    assert any(each.code == "N8T301" and problem in each.message for each in refused.diagnostics)
    plan = compile_export(export, file="test.json", catalog=CATALOG, allow_unsupported=True).plan
    assert plan is not None
    with StandIn(script=[calls("Tool", {}), text_answer("fine")]) as stand_in:
        _, finished = await run(plan, Desk(World(stand_in)))
        assert stand_in.requests == []
    assert finished.status == "error"
    assert problem in cast("dict[str, Any]", finished.error)["message"]


async def test_a_part_that_is_no_tool_fails_the_step() -> None:
    plan = agent(sends())
    steps = tuple(
        step.model_copy(update={"subnodes": step.subnodes | {"ai_tool": ("Model",)}}) if step.name == "A" else step
        for step in plan.steps
    )
    with StandIn(script=[calls("Model", {}), text_answer("fine")]) as stand_in:
        _, finished = await run(plan.model_copy(update={"steps": steps}), Desk(World(stand_in)))
    assert finished.status == "error"
    assert cast("dict[str, Any]", finished.error)["message"] == "'Model' cannot run as a tool of an agent"
