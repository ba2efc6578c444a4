"""A model request says when it began, so that its span has its true time."""

import time
from datetime import UTC, datetime

from runtime.interpreter.journal import journal
from runtime.platform.embedded.fake_vendor import StandIn
from schemas.kinds import RunStatus
from schemas.run import Journal
from service.execution_rows import ExecutionRow
from service.projection.row_builder import step_row, usage_row
from service.run_description import RunDescription
from service.run_spans import spans_of
from tests.unit.agents.world import World, calls, model, node, run, text_answer, workflow

ID = "acme:agent:01a227fc-6b59-78c9-a2f3-ef7792d0857a"


async def test_requests_of_an_agent_are_spans_below_its_step() -> None:
    export = workflow(
        node("A", "agent", 2.2, {}), (model(), "ai_languageModel"), (node("Calc", "toolCalculator", 1), "ai_tool")
    )
    before = time.time()
    with StandIn(script=[calls("Calc", {"input": "2+3"}), text_answer("5")]) as stand_in:
        execution, finished = await run(export, World(stand_in), [{"chatInput": "2+3?"}])
    after = time.time()
    told: Journal = journal(execution, finished)
    assert [before <= each["started"] / 1000 + 0.001 and each["started"] / 1000 <= after for each in told.usage] == [
        True,
        True,
    ]
    start, end = datetime.fromtimestamp(before, UTC), datetime.fromtimestamp(after + 1, UTC)
    described = RunDescription(ID, "r", "acme", "agent", "", "manual", RunStatus.COMPLETED, start, end, None, None)
    row = ExecutionRow(
        "acme", ID, "r", "agent", "", "manual", RunStatus.COMPLETED, start, end,
        steps=[step_row(place, each, {}) for place, each in told.since(0)],
        usage=[usage_row(each, described) for each in told.usage],
    )  # fmt: skip
    spans = spans_of(row)
    (agent,) = [each for each in spans if each.attributes.get("gen_ai.operation.name") == "invoke_agent"]
    chats = [each for each in spans if each.name.startswith("chat ")]
    assert agent.attributes["n8n.node.name"] == "A"
    assert len(chats) == 2
    for each in chats:
        assert each.parent_id == agent.span_id
        assert agent.started <= each.started <= each.ended
    assert chats[0].started <= chats[1].started
    assert agent.attributes["gen_ai.usage.output_tokens"] == sum(
        int(str(each.attributes["gen_ai.usage.output_tokens"])) for each in chats
    )
