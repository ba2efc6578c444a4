"""One watch per run and process feeds any number of listeners: it asks Temporal, they only look at what it saw last."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from temporalio.service import RPCError

from api.runs.turns import Turns
from api.single_flight import SingleFlight
from runtime.platform.telemetry.logging import get_logger
from schemas.kinds import RunStatus
from schemas.run import Journal
from service.outages import is_outage
from service.run_reader import Outcome, RunDescription, TemporalRuns
from service.shutdown import Shutdown
from service.speaking import Speaking, SpeakingReader

__all__ = ["RunWatch", "RunWatchers"]

log = get_logger("tempor8.api")

SPEAKING_SECONDS: Final = 0.1
"""Seconds between two looks at a run in which a model speaks."""
FAST_SECONDS: Final = 0.3
"""Seconds between two looks at a run that goes on."""
SLOW_SECONDS: Final = 1.0
"""The same at a run in which nothing happens: the pause grows to this."""
GROWTH: Final = 1.3
MAX_STEPS: Final = 10_000
"""The latest steps of a run that a listener who comes later is sent."""
AWAY_SECONDS: Final = 2.0
"""Seconds until the next look when Temporal does not answer."""


class RunWatch:
    """What a run looks like now.

    Listeners hold no queue: each keeps the number of the last step that it sent, and reads on from the journal. So a slow one
    costs nothing, and misses none.
    """

    def __init__(self, runs: TemporalRuns, run: RunDescription, shutdown: Shutdown) -> None:
        self._runs, self._shutdown = runs, shutdown
        self.run = run
        self.journal: Journal | None = None
        self.outcome: Outcome | None = None
        """Of a run that has ended."""
        self.failed = False
        """Ended by a fault: nothing more will come from this watch."""
        self.version = 0
        """Grows with each change."""
        self.types: dict[str, str] | None = None
        """Node name -> node type of its plan; None: no listener has asked yet."""
        self.encoded: dict[int, str] = {}
        """Steps as the listeners send them, by number: each is encoded once."""
        self.speaking: Speaking = {}
        """What models are saying now."""
        self.listeners = 0
        self._history_length = -1
        self._speaking_reader = SpeakingReader()
        self._changed = asyncio.Event()

    @property
    def over(self) -> bool:
        """Return whether nothing more will come."""
        return self.failed or self.outcome is not None

    async def wait(self, version: int, seconds: float) -> bool:
        """Wait until there is something newer than this version, no longer than so many seconds; return whether there is."""
        if self.version > version:
            return True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)
        return self.version > version

    async def follow(self) -> None:
        """Look at the run until it ends, or the grace of the process is over. Listeners are told of a fault that ends it."""
        try:
            await self._follow()
        except Exception as error:  # noqa: BLE001  # whatever it is, listeners are told
            self.failed = True
            self._notify()
            # without its message, which may quote data of the run
            log.error("a watch of a run failed", workflow_id=self.run.id, error=type(error).__name__)  # noqa: TRY400

    async def _follow(self) -> None:
        pause = FAST_SECONDS
        while not self._shutdown.expired:
            try:
                changed = await self._look()
            except Exception as error:
                if not isinstance(error, RPCError | RuntimeError) and not is_outage(error):
                    raise
                log.warning("a run cannot be watched", workflow_id=self.run.id, error=type(error).__name__)
                changed, pause = False, AWAY_SECONDS
            else:
                pause = FAST_SECONDS if changed else min(SLOW_SECONDS, pause * GROWTH)
                if self.speaking:
                    pause = SPEAKING_SECONDS
            if self.over:
                return
            if await self._shutdown.wait(pause):
                self._notify()
                await asyncio.sleep(pause)
        self._notify()

    async def _look(self) -> bool:
        """Ask for the journal when the run's history has grown; return whether anything changed."""
        run = await self._runs.describe(self.run.id) or self.run
        spoke = await self._hear(run)
        moved = run.history_length != self._history_length or run.run_id != self.run.run_id
        if run.open and not moved and self.journal is not None:
            if spoke:
                self._notify()
            return spoke
        self.run = run
        if run.open:
            journal = await self._newer()
        else:
            outcome = await self._runs.outcome(run)
            journal = self._with_earlier(outcome.result.journal) if outcome.result else self.journal
            self.outcome = outcome
        if journal is not None:
            self._history_length = run.history_length
        changed = spoke or journal != self.journal or not run.open
        if changed:
            self.journal = journal if journal is not None else self.journal
            self._notify()
        return changed

    async def _hear(self, run: RunDescription) -> bool:
        """Read what models say; return whether that is something new. Steps are sent also while it cannot be read."""
        try:
            speaking = await self._runs.speaking(run, self._speaking_reader)
        except Exception as error:  # noqa: BLE001  # steps and the end come whatever it is
            # without its message, which may quote data of the run
            log.warning("what models say cannot be read", workflow_id=self.run.id, error=type(error).__name__)
            speaking = {}
        changed = speaking != self.speaking
        self.speaking = speaking
        return changed

    async def _newer(self) -> Journal | None:
        """Return the journal with what is known, having asked only for the steps after it; None when no worker answers."""
        known = self.journal.since(0) if self.journal is not None else []
        newer = await self._runs.journal_since(self.run.id, place=known[-1][0] + 1 if known else 0)
        return None if newer is None else self._with_earlier(newer)

    def _with_earlier(self, journal: Journal) -> Journal:
        """Return a journal with the steps before it that were seen: a long run forgets them."""
        placed = journal.since(0)
        first = placed[0][0] if placed else None
        earlier = [each for each in self.journal.since(0) if first is None or each[0] < first] if self.journal else []
        steps = [step.model_copy(update={"place": place}) for place, step in (earlier + placed)[-MAX_STEPS:]]
        return journal.model_copy(update={"steps": steps})

    @property
    def status(self) -> RunStatus:
        """Return the run's status."""
        return self.run.status

    def _notify(self) -> None:
        self.version += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class RunWatchers:
    """The watches of a process, one per run that somebody listens to."""

    def __init__(self, runs: TemporalRuns, shutdown: Shutdown) -> None:
        self._runs, self.shutdown = runs, shutdown
        self.flights: SingleFlight[str, dict[str, str]] = SingleFlight()
        """Questions for the types of nodes, by run."""
        self.turns = Turns()
        """Turns of the streams of this process at what each has to do by itself."""
        self._descriptions: SingleFlight[str, RunDescription | None] = SingleFlight()
        self._watches: dict[str, tuple[RunWatch, asyncio.Task[None]]] = {}

    def __len__(self) -> int:
        return len(self._watches)

    async def describe(self, workflow_id: str) -> RunDescription | None:
        """Return a run as its watch saw it last, a second ago at most while Temporal answers. Without a watch as Temporal describes
        it: once for all who ask meanwhile; None when it has no record of it.

        Raises:
            RPCError: Temporal does not answer.
        """
        current = self._watches.get(workflow_id)
        if current is not None and not current[0].over:
            return current[0].run
        return await self._descriptions.do(workflow_id, lambda: self._runs.describe(workflow_id))

    @contextlib.asynccontextmanager
    async def watch(self, run: RunDescription) -> AsyncIterator[RunWatch]:
        """Yield the run's watch, which ends with its last listener."""
        current = self._watches.get(run.id)
        if current is None or current[0].over:
            started = RunWatch(self._runs, run, self.shutdown)
            current = started, asyncio.create_task(started.follow(), name=f"watch {run.id}")
            self._watches[run.id] = current
        watch, task = current
        watch.listeners += 1
        try:
            yield watch
        finally:
            watch.listeners -= 1
            if not watch.listeners:
                task.cancel()
                if self._watches.get(run.id) is current:
                    del self._watches[run.id]
