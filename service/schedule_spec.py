"""A schedule of Temporal, made of a row of the table `schedules`, and the mark by which it is known again."""

import hashlib
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Self

from temporalio.client import (
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
)
from temporalio.common import Priority, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from schemas import names
from schemas.kinds import Mode, TriggerKind
from schemas.run import TASK_TIMEOUT, StartInput
from service.schedule_store import ScheduleRow

__all__ = ["Mark", "schedule_id", "schedule_of", "temporal_spec"]

CATCH_UP_WINDOW: Final = timedelta(hours=1)
"""Runs that were missed while Temporal was down are started if they are not older; n8n starts none of them."""
FORM: Final = 1
"""Of the schedules that this module makes: a change of it has every schedule in Temporal updated."""
_NOTE: Final = re.compile(r"tempor8 installation (?P<installation>[0-9a-f-]{36}) definition (?P<digest>[0-9a-f]{16})")


@dataclass(frozen=True)
class Mark:
    """The note of a schedule in Temporal: whose it is, and a digest of what it was made of."""

    installation: str
    digest: str

    @classmethod
    def of(cls, installation: str, row: ScheduleRow, task_queue: str) -> Self:
        """Return the mark of a row's schedule."""
        text = "\x00".join((str(FORM), row.template, row.node, task_queue, row.spec or ""))
        return cls(installation, hashlib.sha256(text.encode()).hexdigest()[:16])

    @classmethod
    def read(cls, note: str | None) -> Self | None:
        """Return the mark in a note; None: it has none, because it is not ours, or older, or somebody paused it."""
        match = _NOTE.search(note or "")
        return cls(match["installation"], match["digest"]) if match else None

    def __str__(self) -> str:
        return f"tempor8 installation {self.installation} definition {self.digest}"


def schedule_id(tenant: str, row: ScheduleRow) -> str:
    """Return the id of a row's schedule in Temporal."""
    return f"{tenant}:{row.id}"


def temporal_spec(rule: Mapping[str, Any]) -> ScheduleSpec:
    """Return the times of a rule: {crons: lines of six fields} or {every, offset: seconds}, and {timezone}."""
    every = timedelta(seconds=rule.get("every") or 0)
    return ScheduleSpec(
        cron_expressions=[f"{line} *" for line in rule.get("crons", ())],  # Temporal's seventh field: the year
        intervals=[ScheduleIntervalSpec(every, timedelta(seconds=rule.get("offset") or 0))] if every else [],
        time_zone_name=rule["timezone"],
    )


def schedule_of(tenant: str, row: ScheduleRow, task_queue: str, mark: Mark) -> Schedule:
    """Return the schedule of a row. Its runs carry no plan: each takes the version that is current when it begins.

    Raises:
        KeyError, TypeError, ValueError, OverflowError: the rule is not one that the compiler writes.
    """
    key, rule = row.template, row.rule
    kind = TriggerKind(rule.get("kind", TriggerKind.SCHEDULE))
    input_ = StartInput(
        tenant=tenant, template=key, start=row.node, trigger_kind=kind, mode=Mode.TRIGGER, items=[{"json": {}}]
    )
    attributes = {names.TENANT_ID: tenant, names.TEMPLATE_KEY: key, names.TRIGGER_KIND: str(kind)}
    pairs = [SearchAttributePair(SearchAttributeKey.for_keyword(name), value) for name, value in attributes.items()]
    return Schedule(
        action=ScheduleActionStartWorkflow(
            key,
            input_.model_dump(mode="json"),
            id=names.workflow_id(tenant, key, _run(row, kind)),
            task_queue=task_queue,
            task_timeout=TASK_TIMEOUT,
            typed_search_attributes=TypedSearchAttributes(pairs),
            priority=Priority(fairness_key=tenant),
        ),
        spec=temporal_spec(rule),
        # n8n starts a run at each time, whether or not an earlier one has ended
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.ALLOW_ALL, catchup_window=CATCH_UP_WINDOW),
        state=ScheduleState(note=str(mark)),
    )


def _run(row: ScheduleRow, kind: TriggerKind) -> str:
    """Return the last part of its runs' ids, to which Temporal adds the time: two nodes that fire at once start two runs."""
    return f"{kind}-{zlib.crc32(row.node.encode()):08x}-{row.id.rpartition(':')[2]}"
