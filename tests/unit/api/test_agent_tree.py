"""The tree of agents: turns, their tools, and what they used."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from api.console.agent_tree import agent_tree
from api.console.sub_nodes import MODEL, below_step, roots_of
from schemas.plan import Kind, Plan, Step
from service.run_activities import ActivityTimes
from service.run_timeline import StepSpan
from tests.unit.agents.world import model, node, plan_of, workflow

BEGIN = datetime(2026, 1, 15, tzinfo=UTC)


def activity(id_: str, begin: int, end: int | None) -> ActivityTimes:
    ended = None if end is None else BEGIN + timedelta(seconds=end)
    return ActivityTimes(id_, BEGIN, BEGIN + timedelta(seconds=begin), ended)


PLAN = plan_of(
    workflow(
        node("A", "agent", 2.2),
        (model(), "ai_languageModel"),
        (node("Calc", "toolCalculator", 1), "ai_tool"),
        (node("Memory", "memoryBufferWindow", 1.3), "ai_memory"),
    )
)
USED = {"node": "A", "model": "gpt-4o-mini", "status": "success"}


def test_tools_belong_to_the_turn_before_them() -> None:
    activities = [
        activity("Memory#0#1#1", 0, 1),
        activity("Model#0#1#2", 1, 3),
        activity("Calc#0#1#3", 3, 4),
        activity("Model#0#1#4", 4, None),
        activity("Other#0#1#5", 4, 5),
    ]
    usage = [USED | {"input_tokens": 10, "output_tokens": 5, "cost_usd": 0.25, "duration_ms": 1900}]
    (agent,) = agent_tree(PLAN, activities, usage)
    assert [each.node for each in agent.before] == ["Memory"]
    assert [[each.node for each in turn.tools] for turn in agent.turns] == [["Calc"], []]
    assert (agent.turns[0].milliseconds, agent.turns[1].milliseconds) == (1900.0, None)
    assert (agent.tokens, agent.cost_usd) == ((10, 5), 0.25)


def test_without_a_history_there_are_the_turns_of_the_journal() -> None:
    (agent,) = agent_tree(PLAN, [], [USED | {"input_tokens": 3, "status": "error"}])
    assert (agent.turns[0].model, agent.turns[0].failed, agent.tokens) == ("gpt-4o-mini", True, (3, 0))
    assert agent.cost_usd is None


def test_a_model_that_two_agents_share_has_its_turns_where_it_worked() -> None:
    """One model node wired to several agents is how most exports have it."""
    document = workflow(node("A", "agent", 2.2), (model(), "ai_languageModel"))
    document["nodes"].append(node("B", "agent", 2.2))
    document["connections"]["Model"]["ai_languageModel"][0].append(
        {"node": "B", "type": "ai_languageModel", "index": 0}
    )
    document["connections"]["A"] = {"main": [[{"node": "B", "type": "main", "index": 0}]]}
    moments = [BEGIN + timedelta(seconds=each) for each in (0, 5, 9)]
    spans = [StepSpan(name, 0, moments[at], moments[at + 1], waits=True) for at, name in enumerate("AB")]
    activities = [
        ActivityTimes("Model#0#1#1", moments[0] + timedelta(seconds=1)),
        ActivityTimes("Model#0#1#2", moments[1] + timedelta(seconds=1)),
        ActivityTimes("Model#0#1#3", moments[1] + timedelta(seconds=2)),
    ]
    found = agent_tree(plan_of(document), activities, [], spans)
    assert [(each.node, len(each.turns)) for each in found] == [("A", 1), ("B", 2)]


def test_tools_of_tools_by_a_million_ways_have_one_owner_each() -> None:
    """Twenty layers of two, each wired to both below: an agent is found by looking at each once."""
    layers = [[f"{side}{n}" for side in "LR"] for n in range(20)]
    below = {each: tuple(layer) for above, layer in pairwise(layers) for each in above}
    steps = [
        Step(name=each, type="t", version=1, kind=Kind.INLINE, subnodes={"ai_tool": parts})
        for each, parts in below.items()
    ]
    agent = Step(name="A", type="t", version=1, kind=Kind.INLINE, subnodes={MODEL: ("M",), "ai_tool": tuple(layers[0])})
    plan = Plan(name="P", steps=(agent, *steps))
    assert roots_of(plan, "R19") == [("A", "ai_tool")]
    assert below_step(plan, "A") == {"M", *(each for layer in layers for each in layer)}
