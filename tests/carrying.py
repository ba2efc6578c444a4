"""Runs in this process that continue as new in the middle of their steps as often as they can."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from runtime.contract import Event
from runtime.hosts.local.host import LocalHost
from runtime.interpreter.durable_step import DurableStep
from runtime.interpreter.execution import Execution
from runtime.interpreter.host import RunView
from runtime.interpreter.run_info import RunInfo
from schemas.item import Items
from schemas.outcome import Finished
from schemas.plan import Plan, Step

__all__ = ["continue_inside_steps"]


class _Continued(BaseException):
    """The run has ended, and another continues with what it carries."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class Carrier:
    """Continues a run before each command of a durable step and in the middle of each wait: once for each event that came."""

    def __init__(self) -> None:
        self.due = True
        self.count = 0

    def patch(self, monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
        """Let the local host continue as new, and `run_local` of these modules go on with what was carried."""
        carrier, advance = self, DurableStep._advance

        def advanced(step: DurableStep, node: Any, event: Event | None) -> None:
            carrier.due = carrier.due or event is not None
            advance(step, node, event)

        async def until(host: LocalHost, condition: Callable[[], bool]) -> None:
            del host
            while not condition():
                await asyncio.sleep(0)

        async def continue_inside(host: LocalHost, execution: RunView) -> None:
            del host
            if execution.settled():
                raise _Continued(json.dumps(execution.state()))

        monkeypatch.setattr(DurableStep, "_advance", advanced)
        monkeypatch.setattr(LocalHost, "should_continue_inside", lambda _: carrier.due)
        monkeypatch.setattr(LocalHost, "holds_back", lambda _, waits_for_child: carrier.due and not waits_for_child)
        monkeypatch.setattr(LocalHost, "until", until)
        monkeypatch.setattr(LocalHost, "continue_inside", continue_inside)
        for module in ("runtime.hosts.local.host", *modules):
            monkeypatch.setattr(f"{module}.run_local", self.run_local)

    async def run_local(
        self,
        plan: Plan,
        host: LocalHost,
        info: RunInfo,
        items: Items,
        *,
        start: Step | None = None,
        prefer: str | None = None,
    ) -> tuple[Execution, Finished]:
        """See `runtime.hosts.local.host`."""
        host.info = info
        execution = Execution(plan, host.catalog, host, info)
        ended = execution.begin(items, step=start.name if start else None, prefer=prefer)
        while ended is None:
            try:
                ended = await execution.run()
            except _Continued as continued:
                self.due, self.count, before = False, self.count + 1, execution
                execution = Execution(plan, host.catalog, host, info, state=json.loads(continued.state))
                execution.usage, execution.custom_data = before.usage, before.custom_data
        return execution, ended


def continue_inside_steps(monkeypatch: pytest.MonkeyPatch, *modules: str) -> Carrier:
    """Return what counts how often runs continued, in this test."""
    carrier = Carrier()
    carrier.patch(monkeypatch, *modules)
    return carrier
