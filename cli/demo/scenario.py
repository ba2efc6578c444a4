"""Run two workflows side by side, kill their worker while a model works and while a person is asked, and count what came of it."""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.client import Client, WorkflowHandle
from temporalio.converter import DataConverter

from runtime.platform.temporal import connect

if TYPE_CHECKING:
    from cli.support.stack import Stack
    from runtime.platform.embedded.fake_vendor import RecordedRequest, StandIn

__all__ = ["EXPORTS", "Outcome", "Scenario"]

_FOLDER: Final = Path(__file__).parent
EXPORTS: Final = (_FOLDER / "lead_scoring.json", _FOLDER / "refund_approval.json")
_SAMPLES: Final = {"lead_scoring": _FOLDER / "lead.json", "refund_approval": _FOLDER / "refund.json"}
_MODEL_NODE: Final = "Find the key sentence"
_WAIT_NODE: Final = "Wait for the answer"

RUN_SECONDS: Final = 900.0
"""Seconds that the two runs may take together. A quiet machine needs about 20; one whose processors are busy with other work, minutes."""
_POLL_SECONDS: Final = 0.2
_PROGRESS_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Outcome:
    """What the scenario showed."""

    statuses: dict[str, str]
    """Template -> final status of its run."""
    killed: dict[str, bool]
    """Template -> whether the worker was killed in the middle of its run."""
    repeated: int
    """Steps that Temporal handed out a second time, in both runs."""
    foreign: set[int]
    """HTTP status of every request that the other tenant made for the runs."""
    contacts: int
    refunds: int
    """Requests that the stand-ins for the CRM and the payment service received."""
    results: dict[str, Any]
    """Template -> the first item that its run gave."""

    @property
    def ok(self) -> bool:
        """Whether both runs went through two deaths of their worker with nothing lost and nothing done twice."""
        return (
            set(self.statuses.values()) == {"completed"}
            and all(self.killed.values())
            and self.repeated <= 1
            and self.foreign == {404}
            and (self.contacts, self.refunds) == (1, 1)
        )


@dataclass
class _Run:
    """A run that is followed."""

    template: str
    id: str
    status: str = "running"
    shown: int = 0
    """Steps that are printed already."""
    killed: bool = False
    noted: float = field(default_factory=time.monotonic)
    """When something was printed of it last."""


class Scenario:
    """Play the scenario on a stack that is up, with its templates published.

    Args:
        stack: the processes.
        client: of the API.
        headers: API-key headers of the tenant whose runs they are, and of another tenant.
        stand_in: answers for the vendors.
        show: print a line.
    """

    def __init__(
        self,
        stack: "Stack",
        client: httpx.AsyncClient,
        headers: tuple[dict[str, str], dict[str, str]],
        stand_in: "StandIn",
        show: Callable[[str], None],
    ) -> None:
        self._stack, self._client, self._stand_in, self._show = stack, client, stand_in, show
        self._own, self._other = headers
        self._person_asked, self._lead_ended = asyncio.Event(), asyncio.Event()

    async def play(self) -> Outcome:
        """Start both runs, follow them to their ends, and return what happened. Print every step as it ends.

        Raises:
            httpx.HTTPStatusError: the API refused a start.
        """
        # only states and attempts of activities are read: no key is needed to open payloads
        temporal = await connect(
            self._stack.settings, DataConverter.default, address=self._stack.profile.addresses.temporal_address
        )
        runs: list[_Run] = []
        try:
            async with asyncio.timeout(RUN_SECONDS):
                await asyncio.gather(self._refund(temporal, runs), self._lead(temporal, runs))
        except TimeoutError:
            self._show(f"a run did not end within {RUN_SECONDS:.0f} s; see .tempor8/logs")
        return Outcome(
            statuses={run.template: run.status for run in runs},
            killed={run.template: run.killed for run in runs},
            repeated=sum([await _repeated(temporal.get_workflow_handle(run.id)) for run in runs]),
            foreign={await self._foreign(run) for run in runs},
            contacts=len(self._received("/contacts")),
            refunds=len(self._received("/refunds")),
            results={run.template: await self._result(run) for run in runs},
        )

    async def _refund(self, temporal: Client, runs: list[_Run]) -> None:
        runs.append(run := await self._start("refund_approval"))
        await self._follow(run, temporal, self._kill_while_a_person_is_asked)

    async def _lead(self, temporal: Client, runs: list[_Run]) -> None:
        # the lead comes in while the team lead is asked, so that the first kill finds one request in flight, the model's
        await self._person_asked.wait()
        runs.append(run := await self._start("lead_scoring"))
        await self._follow(run, temporal, self._kill_while_the_model_works)
        self._lead_ended.set()

    async def _start(self, template: str) -> _Run:
        sample = json.loads(_SAMPLES[template].read_text(encoding="utf-8"))
        for address in ("crm", "desk", "payment"):
            if address in sample:
                sample[address]["base_url"] = self._stand_in.url
        body = {"workflow_template": template, "tenant_id": "acme", "user_id": "user_123", "input_data": sample}
        answer = (await self._client.post("/workflows/start", json=body, headers=self._own)).raise_for_status()
        run = _Run(template, answer.json()["workflow_id"])
        self._show(f"started {template}: {run.id}")
        return run

    async def _follow(
        self, run: _Run, temporal: Client, kill: Callable[[_Run, WorkflowHandle[Any, Any]], Coroutine[Any, Any, None]]
    ) -> None:
        """Print each step of a run as it ends, and call `kill` with it until it has killed the worker."""
        handle = temporal.get_workflow_handle(run.id)
        while True:
            history = await self._get(f"/workflows/{run.id}/history")
            for step in history.get("steps", [])[run.shown :]:
                self._step(run, step)
            active = history.get("active") or {}
            self._progress(run, active)
            run.status = history.get("status", run.status)
            if run.status not in ("running", "waiting"):
                self._show(f"{run.template} ended: {run.status}")
                return
            if not run.killed and active.get("node") in (_MODEL_NODE, _WAIT_NODE):
                await kill(run, handle)
            await asyncio.sleep(_POLL_SECONDS)

    async def _get(self, path: str) -> dict[str, Any]:
        """Return the JSON of a path; nothing while the worker that knows it starts again."""
        try:
            answer = await self._client.get(path, headers=self._own)
        except httpx.TransportError:
            return {}
        return dict(answer.json()) if answer.is_success else {}

    def _step(self, run: _Run, step: dict[str, Any]) -> None:
        run.shown += 1
        run.noted = time.monotonic()
        took = (step.get("duration_ms") or 0) / 1000
        self._show(f"  {run.template:16} {step['node']:24} {step['status']:8} {took:6.1f} s")

    def _progress(self, run: _Run, active: dict[str, Any]) -> None:
        """Print that a step goes on, every few seconds in which nothing else was printed."""
        if active and time.monotonic() - run.noted > _PROGRESS_SECONDS:
            run.noted = time.monotonic()
            verb = "waits for an answer" if active.get("waiting") else "works"
            self._show(f"  {run.template:16} {active['node']:24} {verb} ...")

    async def _kill_while_the_model_works(self, run: _Run, handle: WorkflowHandle[Any, Any]) -> None:
        description = await handle.describe()
        started = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
        if any(each.state == started for each in description.raw_description.pending_activities):
            await self._kill(run, "while the model works")

    async def _kill_while_a_person_is_asked(self, run: _Run, _handle: WorkflowHandle[Any, Any]) -> None:
        """Kill the worker once the other run is over, and answer while it is away."""
        message = self._received("/messages")[-1].body
        if not self._person_asked.is_set():
            self._show(f"the team lead is asked: {message['text']}")
            self._person_asked.set()
        if not self._lead_ended.is_set():
            return
        await self._kill(run, "while the team lead thinks")
        self._show("the team lead clicks on 'approve' before the worker is back")
        for _ in range(30):
            try:
                answer = await self._client.get(message["approve"])
            except httpx.TransportError:
                continue
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                return
            await asyncio.sleep(float(answer.headers.get("retry-after", 1)))

    async def _kill(self, run: _Run, when: str) -> None:
        pid = self._stack.worker.pid
        if pid is None:  # it was killed for the other run a moment ago
            return
        self._show(f"kill -9 {pid}: the worker is gone {when}")
        self._stack.worker.kill()
        run.killed = True

    async def _result(self, run: _Run) -> Any:
        return (await self._get(f"/workflows/{run.id}/status")).get("result")

    async def _foreign(self, run: _Run) -> int:
        """Return the HTTP status with which the other tenant is refused the run."""
        answer = await self._client.get(f"/workflows/{run.id}/status", headers=self._other)
        return answer.status_code

    def _received(self, path: str) -> "list[RecordedRequest]":
        return [each for each in self._stand_in.requests if each.method == "POST" and each.path == path]


async def _repeated(handle: WorkflowHandle[Any, Any]) -> int:
    """Return how often Temporal handed out an activity of a run again."""
    started = EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED
    attempts = [
        event.activity_task_started_event_attributes.attempt
        async for event in handle.fetch_history_events()
        if event.event_type == started
    ]
    return sum(attempt - 1 for attempt in attempts)
