"""Queries of a run on a real Temporal: pages, parts, and that no answer is stored."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from bench.exports import loop
from cli.testing.case import plan_of
from cli.testing.temporal import CaseTemplates
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.hosts.temporal.worker import build_worker
from runtime.platform.postgres import Database
from schemas import names
from schemas.run import TASK_TIMEOUT, Journal, JournalPage, StartInput
from service.run_reader import TemporalRuns, query_state

TENANT = "acme"
ITEMS = [{"json": {"n": i, "text": "x" * 2_000}} for i in range(400)]
"""800 KB: more than an answer's part, and far more than what is stored outside the history."""


@pytest.fixture
async def ended(temporal: Client, tenants: tuple[str, str]) -> AsyncIterator[WorkflowHandle[Any, Any]]:
    """A run of a loop over 400 items that is over, and whose worker still answers."""
    del tenants
    queue = f"queries-{uuid.uuid4()}"
    worker: Worker = build_worker(temporal, OfflineCapabilities(), CaseTemplates(), queue)
    async with worker:
        run = names.workflow_id(TENANT, "test", str(uuid.uuid4()))
        given = StartInput(plan=plan_of(loop()), tenant=TENANT, template="test", execution_id=run, items=ITEMS)
        handle = await temporal.start_workflow(
            "test", given.to_json(), id=run, task_queue=queue, task_timeout=TASK_TIMEOUT, result_type=dict
        )
        await handle.result()
        yield handle


async def _stored(database: Database, workflow_id: str) -> int:
    async with database.tenant_transaction(TENANT) as connection:
        cursor = await connection.execute(
            "select count(*) as n from payload_uses where workflow_id = %s", (workflow_id,)
        )
        row = await cursor.fetchone()
    assert row is not None
    count: int = row["n"]
    return count


async def test_items_of_a_node_come_in_pages_and_long_ones_as_their_beginning(
    ended: WorkflowHandle[Any, Any],
) -> None:
    async def page(**asked: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await ended.query(names.QUERY_ITEMS, asked, result_type=dict)
        return answer

    journal = await ended.query(names.QUERY_JOURNAL, result_type=Journal)
    first = journal.since(0)[0][1].node
    one = await page(node=first, since=398, limit=5)
    assert (one["counts"], [each["json_"]["n"] for each in one["items"]]) == ([400], [398, 399])
    assert await page(node="Nobody") == await page(node=first, run=7) == {}
    loops = next(step for _, step in journal.since(0) if step.node != first)
    before = await page(node=loops.node, side="input", limit=1)
    assert before["counts"][0] == loops.items_in[0]


async def test_a_query_stores_nothing(ended: WorkflowHandle[Any, Any], temporal: Client, database: Database) -> None:
    """Every query of a run whose answers are over the threshold leaves the table of payloads as it is."""
    before = await _stored(database, ended.id)
    assert before
    journal = await ended.query(names.QUERY_JOURNAL, result_type=Journal)
    state = await query_state(ended)
    previews = await ended.query(names.QUERY_PREVIEWS, result_type=dict)
    await ended.query(names.QUERY_SAID, result_type=list)
    await ended.query(names.QUERY_WAITING)
    assert len(journal.steps) > 400
    assert len(previews) > 400
    assert len(state["state"]["runs"]["Start"][0]["outputs"][0]) == 400
    assert await _stored(database, ended.id) == before


async def test_the_state_is_read_in_parts_and_whole(ended: WorkflowHandle[Any, Any]) -> None:
    """A state of megabytes arrives as it is; without an argument, as older callers ask, it is one answer."""
    part = await ended.query(names.QUERY_STATE, {"at": 0}, result_type=dict)
    assert part["size"] > len(part["text"])
    assert (await query_state(ended))["static_data"] == {}


async def test_the_journal_has_pages(ended: WorkflowHandle[Any, Any], temporal: Client) -> None:
    """Pages joined are the whole journal, and each knows how many steps there are."""
    runs = TemporalRuns(temporal)
    whole = await runs.journal(ended.id)
    assert whole is not None
    places, page = [], JournalPage(since=0, limit=300)
    while True:
        journal = await runs.journal(ended.id, page=page)
        assert journal is not None
        assert journal.totals is not None
        assert journal.count == len(whole.steps)
        places += [(place, step.node) for place, step in journal.since(page.since)]
        if journal.totals.next is None:
            break
        page = JournalPage(since=journal.totals.next, limit=300)
    assert places == [(place, step.node) for place, step in whole.since(0)]
