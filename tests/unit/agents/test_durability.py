"""A crash anywhere in an agent's reasoning loses nothing: state is JSON, and what was answered is not asked again."""

import json
from typing import Any

from runtime.contract import Call, Done, Event, RunTool, Sleep
from runtime.platform.embedded.fake_vendor import StandIn
from tests.unit.agents.world import World, calls, driver, model, node, outputs, run, text_answer, workflow

CALCULATOR = (node("Calc", "toolCalculator", 1), "ai_tool")
MODEL = (model(), "ai_languageModel")
ASKING = {"promptType": "define", "text": "sum"}


def _message(scripted: dict[str, Any]) -> dict[str, Any]:
    """What the model's activity gives for a scripted answer."""
    message: dict[str, Any] = {"role": "assistant", "content": scripted.get("content", "")}
    if "tool_calls" in scripted:
        message["tool_calls"] = [
            {"id": each["id"], "name": each["function"]["name"], "arguments": json.loads(each["function"]["arguments"])}
            for each in scripted["tool_calls"]
        ]
    return {"message": message, "tokens": 10}


def test_state_survives_json() -> None:
    """The reducer goes on the same from a state that went through JSON as from the object itself, at every step."""
    two = calls("Calc", {"input": "1+1"})
    two["tool_calls"] += calls("Calc", {"input": "2+2"}, "call_2")["tool_calls"]
    script = [two, text_answer("six")]
    export = workflow(
        node("A", "agent", 2.2, ASKING | {"options": {"returnIntermediateSteps": True}}), MODEL, CALCULATOR
    )

    def play(carry: Any) -> tuple[list[Any], list[str]]:
        agent, context = driver(export, "A", [{"chatInput": "sum"}])
        answers = iter(script)
        state, commands = agent.advance(context, None, None)
        shape: list[str] = []
        while not isinstance(commands[0], Done):
            shape.append("+".join(type(each).__name__ for each in commands))
            values = [
                _message(next(answers)) if isinstance(each, Call) else [[{"json": {"response": "2"}}]]
                for each in commands
            ]
            for index, value in enumerate(values):
                state, commands = agent.advance(context, carry(state), Event(index, carry(value)))
        return commands, shape

    direct, shape = play(lambda value: value)
    carried, _ = play(lambda value: json.loads(json.dumps(value)))
    assert direct == carried
    assert shape == ["Call", "RunTool+RunTool", "Call"]
    assert direct[0].outputs[0][0]["json"]["output"] == "six"


def test_events_in_any_order() -> None:
    """Tools that finish in another order than they were called change nothing."""
    two = calls("Calc", {"input": "1+1"})
    two["tool_calls"] += calls("Calc", {"input": "2+2"}, "call_2")["tool_calls"]
    export = workflow(node("A", "agent", 2.2, ASKING), MODEL, CALCULATOR)
    transcripts = []
    for order in ((0, 1), (1, 0)):
        agent, context = driver(export, "A", [{"chatInput": "sum"}])
        state, _ = agent.advance(context, None, None)
        state, tools = agent.advance(context, state, Event(0, _message(two)))
        assert [type(each) for each in tools] == [RunTool, RunTool]
        commands: list[Any] = []
        for index in order:
            assert commands == []
            state, commands = agent.advance(context, state, Event(index, [[{"json": {"response": f"r{index}"}}]]))
        transcripts.append(commands[0].payload["messages"])
    assert transcripts[0] == transcripts[1]
    assert [each["content"] for each in transcripts[0] if each["role"] == "tool"] == ["r0", "r1"]


def test_state_is_not_shared() -> None:
    """Advancing twice from one state gives the same twice: the reducer does not write into what it was given."""
    agent, context = driver(workflow(node("A", "agent", 2.2, ASKING), MODEL, CALCULATOR), "A", [{"chatInput": "x"}])
    state, _ = agent.advance(context, None, None)
    frozen = json.dumps(state)
    event = Event(0, _message(calls("Calc", {"input": "1"})))
    first, second = agent.advance(context, state, event), agent.advance(context, state, event)
    assert first == second
    assert json.dumps(state) == frozen


def test_tool_calls_have_ids_of_their_own() -> None:
    """A vendor that numbers its calls anew in every turn does not make two requests look like one."""
    agent, context = driver(workflow(node("A", "agent", 2.2, ASKING), MODEL, CALCULATOR), "A", [{"chatInput": "x"}])
    state, _ = agent.advance(context, None, None)
    ids = []
    for _ in range(2):
        state, tools = agent.advance(context, state, Event(0, _message(calls("Calc", {"input": "1"}, "call_0"))))
        ids += [each.id for each in tools if isinstance(each, RunTool)]
        state, _ = agent.advance(context, state, Event(0, [[{"json": {"response": "1"}}]]))
    assert len(set(ids)) == 2


async def test_busy_model_is_asked_again() -> None:
    """429 with Retry-After: a durable timer, then the same request with the same idempotency key."""
    with StandIn(
        script=[{"status": 429, "message": "slow down"}, {"status": 503, "message": "later"}, text_answer("yes")]
    ) as stand_in:
        world = World(stand_in)
        execution, finished = await run(workflow(node("A", "agent", 2.2), MODEL), world, [{"chatInput": "x"}])
    assert finished.status == "success"
    assert outputs(execution, "A") == [[{"output": "yes"}]]
    assert [facts["seconds"] for event, facts in world.logged if event == "sleep"] == [1.0, 2.0]
    assert len({each.key() for each in stand_in.requests}) == 1
    assert [each["status"] for each in execution.usage] == ["error", "error", "success"]


async def test_refused_key_is_final() -> None:
    """401 is not asked again."""
    with StandIn(script=[{"status": 401, "message": "Incorrect API key"}]) as stand_in:
        _, finished = await run(workflow(node("A", "agent", 2.2), MODEL), World(stand_in), [{"chatInput": "x"}])
    assert (finished.status, len(stand_in.requests)) == ("error", 1)
    assert finished.error is not None
    assert finished.error["message"] == "Authorization failed - please check your credentials"


async def test_every_request_has_its_own_key() -> None:
    """Two turns of one agent are two requests, also for a service that answers repeated keys from memory."""
    with StandIn(script=[calls("Calc", {"input": "1+1"}), text_answer("two")]) as stand_in:
        await run(workflow(node("A", "agent", 2.2), MODEL, CALCULATOR), World(stand_in), [{"chatInput": "x"}])
    assert len({each.key() for each in stand_in.requests}) == 2


async def test_long_conversation_is_referred_to() -> None:
    """A transcript over the limit is stored once; later requests carry what is new, and the model sees all of it."""
    with StandIn(script=[calls("Calc", {"input": "1+1"}), text_answer("done")]) as stand_in:
        export = workflow(node("A", "agent", 2.2), MODEL, CALCULATOR)
        execution, finished = await run(export, World(stand_in), [{"chatInput": "word " * 8000}])
    assert finished.status == "success"
    assert outputs(execution, "A") == [[{"output": "done"}]]
    roles = [[message["role"] for message in each.body["messages"]] for each in stand_in.requests]
    assert roles == [["user"], ["user", "assistant", "tool"]]


async def test_token_limit_fails_closed() -> None:
    """When the tokens of a step are used up, no further request is made."""
    with StandIn(script=[calls("Calc", {"input": "1+1"}), text_answer("never asked")]) as stand_in:
        world = World(stand_in)
        world.token_limit = 1
        _, finished = await run(workflow(node("A", "agent", 2.2), MODEL, CALCULATOR), world, [{"chatInput": "x"}])
    assert (finished.status, len(stand_in.requests)) == ("error", 1)
    assert finished.error is not None
    assert finished.error["message"] == "The limit of 1 model tokens for one run of a node is reached"


async def test_batches_pause() -> None:
    """Two at once, and a durable pause between batches."""
    options = {"options": {"batching": {"batchSize": 2, "delayBetweenBatches": 1500}}}
    with StandIn(script=[text_answer("a")] * 5) as stand_in:
        world = World(stand_in)
        items = [{"chatInput": str(n)} for n in range(5)]
        execution, _ = await run(workflow(node("A", "agent", 2.2, options), MODEL), world, items)
    assert outputs(execution, "A") == [[{"output": "a"}] * 5]
    assert [facts["seconds"] for event, facts in world.logged if event == "sleep"] == [1.5, 1.5]


def test_pause_is_a_timer() -> None:
    """The pause between batches is a command of its own, and the items after it wait for it."""
    options = {"options": {"batching": {"delayBetweenBatches": 500}}}
    export = workflow(node("A", "agent", 2.2, ASKING | options), MODEL)
    agent, context = driver(export, "A", [{"chatInput": "1"}, {"chatInput": "2"}])
    state, _ = agent.advance(context, None, None)
    state, pause = agent.advance(context, state, Event(0, _message(text_answer("a"))))
    assert pause == [Sleep(seconds=0.5)]
    _, commands = agent.advance(context, state, Event(0))
    assert isinstance(commands[0], Call)
