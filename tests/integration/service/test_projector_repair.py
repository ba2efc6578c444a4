"""What following Temporal's lists missed is found: late runs, stuck runs, steps of terminated runs, plans that come later."""

import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import Client

from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from service.execution_store import ExecutionRow, ExecutionStore, Filter
from service.projection.projector import Projector
from service.projection.state import stuck_summary
from service.run_reader import TemporalRuns
from tests.integration.service.canned_runs import alone, begin, canned_worker, row, until

pytestmark = pytest.mark.long


async def test_a_run_that_visibility_lists_late_is_found_by_its_minute(
    temporal: Client, database: Database, service: Settings, canned: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Temporal counts more runs of a minute than were listed: the minute is listed again, and only what is new is written."""
    del canned
    handle = await begin(temporal, "completed")
    await handle.result()
    made = alone(temporal, database, service)
    repair = made._repair
    repair.begin(datetime.now(UTC) - timedelta(minutes=3))

    class NextMinute(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]  # the minute of the run is over
            del tz
            return datetime.now(UTC) + timedelta(minutes=1)

    monkeypatch.setattr("service.projection.repair.datetime", NextMinute)
    store = ExecutionStore(database)

    async def there() -> bool:
        await repair.find_late()
        return await store.get("acme", handle.id) is not None

    await until(there)
    written: list[int] = []
    write_listed = made.writer.write_listed

    async def counted(infos: list[object]) -> None:
        written.append(len(infos))
        await write_listed(infos)  # type: ignore[arg-type]  # of Temporal's lists

    monkeypatch.setattr(made.writer, "write_listed", counted)
    await repair.find_late()
    assert written == []


async def test_a_run_whose_workflow_task_fails_for_ever_is_shown_with_its_cause_until_it_goes_on(
    temporal: Client, database: Database, projector: Projector
) -> None:
    """The server reports it after five failures; a mended build takes the run up, and the problem is gone."""
    del projector
    store = ExecutionStore(database)
    handle = await begin(temporal, "stuck")
    found = await row(store, handle.id, lambda each: each.problem is not None, seconds=90)
    assert found.problem is not None
    assert found.status == "running"
    assert found.problem["kind"] == "workflow_task"
    assert found.problem["message"].endswith(": the code of this build is broken")
    assert "worker" in found.problem["hint"]
    assert found.problem["since"]
    assert handle.id in [each.id for each in await store.page("acme", Filter(problem=True))]
    summary = await stuck_summary(database)
    assert summary.stuck >= 1
    assert summary.since is not None
    assert summary.causes["workflow_task", found.problem["cause"]] >= 1
    assert summary.kinds["workflow_task"] >= 1
    run = await TemporalRuns(temporal).describe(handle.id)
    assert run is not None
    assert run.problem is not None
    assert run.problem.cause == found.problem["cause"]
    await handle.signal("mend")
    await row(store, handle.id, lambda each: each.problem is None and each.status == "completed", seconds=90)


async def test_a_problem_that_is_gone_while_the_run_goes_on_is_cleared(
    temporal: Client, database: Database, service: Settings, canned: None
) -> None:
    """What Temporal no longer lists is cleared in the row and in the count."""
    del canned
    made = alone(temporal, database, service)
    store = ExecutionStore(database)
    handle = await begin(temporal, "wait")
    await until(lambda: _open_row(made, store, handle.id))
    async with database.transaction() as connection:
        await connection.execute("update open_runs set problem = 'TimedOut', problem_since = now() where id = %s", (handle.id,))  # fmt: skip
    async with database.tenant_transaction("acme") as connection:
        await connection.execute("update workflow_executions set problem = '{\"cause\": \"TimedOut\"}' where id = %s", (handle.id,))  # fmt: skip
    await made.problems.find_failing()
    found = await store.get("acme", handle.id)
    assert found is not None
    assert found.problem is None
    assert handle.id not in [run.id for run in await made._state.reported(made.shards)]
    await handle.terminate()


async def _open_row(made: Projector, store: ExecutionStore, id_: str) -> bool:
    await made.look()
    return await store.get("acme", id_) is not None


async def test_the_steps_of_a_terminated_run_come_when_a_worker_answers(
    temporal: Client, database: Database, projector: Projector
) -> None:
    """A run closed from outside leaves no result: its row is written at once, its steps when a query of it is answered."""
    del projector
    handle = await begin(temporal, "wait", queue="nobody-yet")
    store = ExecutionStore(database)
    await row(store, handle.id)
    async with canned_worker(temporal, "nobody-yet"):
        await until(lambda: _answers(temporal, handle.id))
        await handle.terminate(reason="by an operator")
        found = await row(store, handle.id, lambda each: each.step_count == 1)
    assert found.status == "terminated"
    assert [step.node for step in found.steps or ()] == ["Set"]
    assert "by an operator" in (found.error or {})["message"]
    async with database.transaction() as connection:
        cursor = await connection.execute("select from projector_retries where id = %s", (handle.id,))
        assert await cursor.fetchone() is None


async def _answers(temporal: Client, id_: str) -> bool:
    return await TemporalRuns(temporal).journal(id_) is not None


async def test_a_terminated_run_without_a_worker_is_no_problem_and_is_asked_again_later(
    temporal: Client, database: Database, projector: Projector
) -> None:
    """No worker to ask is no reason to hold up rows, nor to call a run unreadable."""
    del projector
    handle = await begin(temporal, "wait", queue="nobody-ever")
    await handle.terminate()
    found = await row(ExecutionStore(database), handle.id, lambda each: each.status == "terminated")
    assert (found.problem, found.step_count) == (None, 0)
    async with database.transaction() as connection:
        cursor = await connection.execute("select kind from projector_retries where id = %s", (handle.id,))
        assert await cursor.fetchone() == {"kind": "steps"}


async def test_a_run_that_gets_its_plan_later_gets_it_in_its_row_too(
    temporal: Client, database: Database, service: Settings, canned: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A schedule's run has no plan before its first workflow task; a row written before that is completed while it runs."""
    del canned
    monkeypatch.setattr("service.projection.repair.MIN_OPEN_AGE", timedelta(0))
    made = alone(temporal, database, service)
    store = ExecutionStore(database)
    handle = await begin(temporal, "wait", plan="")
    await until(lambda: _open_row(made, store, handle.id))
    early = await store.get("acme", handle.id)
    assert early is not None
    assert early.plan_hash == ""
    await handle.signal("plan", "h2")

    async def planned() -> bool:
        await made._repair.find_gone()
        found = await store.get("acme", handle.id)
        return found is not None and found.plan_hash == "h2"

    await until(planned)
    await handle.terminate()


async def test_an_open_run_that_following_missed_is_found_in_the_list_of_open_runs(
    temporal: Client, database: Database, service: Settings, canned: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It began while nobody followed, and goes on for long."""
    del canned
    monkeypatch.setattr("service.projection.repair.MIN_OPEN_AGE", timedelta(0))
    made = alone(temporal, database, service)
    store = ExecutionStore(database)
    handle = await begin(temporal, "wait")

    async def there() -> bool:
        await made._repair.find_gone()
        return await store.get("acme", handle.id) is not None

    await until(there)
    await handle.terminate()


def _counted(function: Callable[..., Any], asked: list[str], name: str) -> Callable[..., Any]:
    def count(*args: Any, **options: Any) -> Any:
        asked.append(name)
        return function(*args, **options)

    return count


async def test_a_round_costs_the_same_however_many_tenants_there_are(
    temporal: Client, database: Database, keys: Keyring, service: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three hundred tenants whose runs have all ended, no round asks Postgres or Temporal anything."""
    asked: list[str] = []
    for name in ("transaction", "tenant_transaction"):
        monkeypatch.setattr(database, name, _counted(getattr(database, name), asked, name))
    for name in ("list_workflow_executions", "count_workflow_executions", "describe_workflow_execution"):
        monkeypatch.setattr(
            temporal.workflow_service, name, _counted(getattr(temporal.workflow_service, name), asked, name)
        )

    async def round_() -> Counter[str]:
        asked.clear()
        made = alone(temporal, database, service)
        await made.look()
        for part, _ in made._repair._parts:
            await part()
        return Counter(asked)

    await round_()  # writes what earlier tests have left
    before = await round_()
    ended = datetime.now(UTC) - timedelta(days=1)
    for number in range(300):
        tenant = f"t{number}-{uuid.uuid4().hex}"
        async with database.tenant_transaction(tenant) as connection:
            await connection.execute("insert into tenants (id, name) values (%s, 'x')", (tenant,))
        await keys.create(tenant)
        run = ExecutionRow(tenant, f"{tenant}:t:1", "r", "t", "h", "api", "completed", ended, ended)
        await ExecutionStore(database).write(tenant, [run])
    after = await round_()
    assert before
    assert (after - before).total() < 100  # some: runs of other tests are due meanwhile
