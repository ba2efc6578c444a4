"""What must be true when a storm is over."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from temporalio.client import WorkflowExecutionStatus

from runtime.platform.embedded.fake_vendor import MODEL_PATHS
from service.columns import Columns
from service.run_columns import open_error
from tests.chaos.installation import TENANTS, Installation
from tests.chaos.load import KINDS, Delivery
from tests.chaos.vendor import EFFECT, Vendor
from tests.chaos.workflows import FILE_BYTES, LONG_ITEMS
from tests.patience import PATIENCE

__all__ = [
    "Run",
    "check_effects",
    "check_health",
    "check_runs",
    "check_ticks",
    "rows",
    "runs",
    "settled",
    "stuck",
    "thoughts",
    "with_problems",
]

LOOK_SECONDS: Final = 1.0
GONE: Final = "its template was deactivated"
"""Part of the error of a schedule's run that begins after the deactivation and before Temporal knows of it."""
EFFECTS: Final[Mapping[str, Mapping[str, Collection[Any]]]] = {
    "webhook": {"item": (0, 1), "sub": (None,)},
    "reply": {"reply": (None,)},
    "respond": {"respond": (None,)},
    "form": {"form": (None,)},
    "resume": {"link": (None,), "resumed": (None,)},
    "agent": {"tool": (None,)},
    "file": {"file": (None,)},
    "long": {"long": range(LONG_ITEMS)},
    "retry": {"flaky": (None,)},
    "once": {},
}
"""The effects of a delivery of each kind, and their parts."""


@dataclass(frozen=True)
class Run:
    """A run as Temporal or a row has it."""

    id: str
    status: str
    error: Any = field(default=None, compare=False)
    """What its row says."""

    @property
    def template(self) -> tuple[str, str]:
        """Tenant and template."""
        tenant, template, *_ = self.id.split(":")
        return tenant, "sub" if "~" in self.id else template


async def runs(up: Installation) -> dict[str, Run]:
    """Every run that Temporal has, by id; of those that continued as new, the last one."""
    found: dict[str, Run] = {}
    async for each in up.temporal.list_workflows():  # the newest first
        if each.status not in (None, WorkflowExecutionStatus.CONTINUED_AS_NEW):
            found.setdefault(each.id, Run(each.id, each.status.name.lower()))
    return found


async def rows(up: Installation) -> dict[str, Run]:
    """Every run that has a row, by id."""
    found: dict[str, Run] = {}
    for tenant in TENANTS:
        async with up.database.tenant_transaction(tenant) as connection:
            query = "select id, status, error, sealed_error from workflow_executions"
            listed = await (await connection.execute(query)).fetchall()
        columns = await Columns.of(up.database, tenant)
        for each in listed:
            error = await open_error(columns, (each["id"],), each["error"], each["sealed_error"])
            found[each["id"]] = Run(each["id"], each["status"], error)
    return found


async def with_problems(up: Installation) -> set[str]:
    """Ids of runs whose rows say that something stands in their way."""
    found: set[str] = set()
    for tenant in TENANTS:
        async with up.database.tenant_transaction(tenant) as connection:
            query = "select id from workflow_executions where problem is not null"
            found |= {each["id"] for each in await (await connection.execute(query)).fetchall()}
    return found


async def stuck(up: Installation) -> set[str]:
    """Ids of open runs whose workflow task fails again and again."""
    query = "ExecutionStatus = 'Running' AND TemporalReportedProblems IS NOT NULL"
    return {each.id async for each in up.temporal.list_workflows(query)}


async def settled(up: Installation, seconds: float, *, may_wait: Collection[str] = ()) -> dict[str, Run]:
    """Wait until nothing is open (but what `may_wait`) and the rows say what Temporal says; return the runs.

    Raises AssertionError: which runs are open, stuck, without a row or with another status in theirs.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            truth, shown = await runs(up), await rows(up)
        except Exception:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(LOOK_SECONDS)
            continue
        open_ = sorted(each.id for each in truth.values() if each.status == "running" and each.id not in may_wait)
        if not open_ and truth == shown:
            return shown
        if time.monotonic() > until:
            different = [(id_, truth.get(id_), shown.get(id_)) for id_ in truth.keys() | shown.keys()]
            raise AssertionError(
                f"open: {open_}; stuck: {sorted(await stuck(up))}; "
                f"Temporal and rows: {[each for each in different if each[1] != each[2]]}"
            )
        await asyncio.sleep(LOOK_SECONDS)


async def check_health(up: Installation, seconds: float) -> None:
    """Both APIs say that all is well, soon."""
    until = time.monotonic() + seconds
    for url in up.urls:
        while True:
            answer: Any = None
            try:
                async with httpx.AsyncClient(timeout=PATIENCE) as client:
                    answer = (await client.get(f"{url}/health")).json()
            except httpx.TransportError as error:
                answer = {"status": repr(error)}
            if answer["status"] == "ok":
                break
            assert time.monotonic() < until, answer
            await asyncio.sleep(LOOK_SECONDS)


def check_runs(found: Mapping[str, Run], deliveries: Sequence[Delivery], affected: Collection[str] = ()) -> None:
    """Every delivery is one run and no more, and has ended well; a step that is delivered at most once may have failed.

    `affected`: ids of runs that may have ended otherwise, since their data are gone.
    """
    of_deliveries = {run.id for run in found.values() if run.template[1] in KINDS}
    wanted = {each.workflow_id for each in deliveries}
    assert of_deliveries == wanted, f"missing: {wanted - of_deliveries}; too many: {of_deliveries - wanted}"
    for each in deliveries:
        run = found[each.workflow_id]
        allowed = {"completed", "failed"} if each.kind == "once" else {"completed"}
        assert run.status in allowed or run.id in affected, run
        subs = [other.status for other in found.values() if other.id.startswith(f"{run.id}~")]
        assert run.id in affected or subs == ["completed"] * (each.kind == "webhook"), (run, subs)


def check_effects(vendor: Vendor, deliveries: Sequence[Delivery], unfinished: Collection[int] = ()) -> int:
    """Every effect happened; a repeated one carried the same Idempotency-Key. Return how many were repeated.

    `unfinished`: numbers of deliveries whose runs did not come to their end.
    """
    sent: dict[tuple[str, ...], list[str | None]] = defaultdict(list)
    for each in vendor.requests:
        kind = each.path.removeprefix(EFFECT)
        if each.path.startswith(EFFECT) and isinstance(each.body, dict) and kind != "tick":
            sent[kind, each.body["tenant"], str(each.body["id"]), str(each.body.get("part"))].append(each.key())
            assert each.body.get("bytes", FILE_BYTES) == FILE_BYTES, "a file came back whole"
    wanted = {
        (effect, each.tenant, str(each.number), str(part))
        for each in deliveries
        for effect, parts in EFFECTS[each.kind].items()
        for part in parts
    }
    once = {key for key in sent if key[0] == "once"}
    needed = {key for key in wanted if int(key[2]) not in unfinished}
    assert needed <= set(sent) - once <= wanted, f"missing: {needed - set(sent)}; too many: {set(sent) - once - wanted}"
    assert not [key for key in once if len(sent[key]) > 1], "at most once"
    keyed = {
        key: keys for key, keys in sent.items() if key[0] != "flaky"
    }  # each of n8n's tries is a request of its own
    assert not {key: keys for key, keys in keyed.items() if len(set(keys)) > 1 or None in keys}
    return sum(len(keys) - 1 for keys in keyed.values())


def check_ticks(vendor: Vendor, found: Mapping[str, Run]) -> None:
    """The runs of schedules ended well, each did what it is for, and no other did: not those after the deactivation."""
    every = [run for run in found.values() if run.template[1] == "tick"]
    refused = [run for run in every if run.error is not None and GONE in run.error["message"]]
    ticks = {run.id for run in every} - {run.id for run in refused}
    bad = [found[id_] for id_ in ticks if found[id_].status != "completed"]
    assert not bad, bad
    sent: dict[str, set[str | None]] = defaultdict(set)
    for each in vendor.requests:
        if each.path == f"{EFFECT}tick" and isinstance(each.body, dict):
            sent[each.body["id"]].add(each.key())
    assert set(sent) == ticks, f"without effect: {ticks - set(sent)}; without run: {set(sent) - ticks}"
    assert all(len(keys) == 1 for keys in sent.values())


def thoughts(vendor: Vendor) -> int:
    """How often a model was asked."""
    return sum(each.path.endswith(MODEL_PATHS) for each in vendor.requests)
