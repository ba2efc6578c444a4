"""The whole service on one machine: embedded servers, local model, worker and API in one supervised process tree."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from compiler import Compilation, compile_export
from runtime.catalog import CATALOG, upgrade
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.embedded.local_model import available, command
from runtime.platform.embedded.process import START_SECONDS, free_port
from runtime.platform.embedded.supervise import Supervised
from runtime.platform.keys import Keyring, keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from service.templates import TemplateStore
from service.tenants import TenantStore

EXPORTS: Final = Path("n8n_exports")
WORKER_DEFAULTS: Final = {"TEMPOR8_PROMOTE": "true", "TEMPOR8_GRACE": "5", "TEMPOR8_STICKY_TIMEOUT": "1"}
"""Of the one worker on a developer's machine: whatever code it has now is what runs are to use, and Ctrl-C should be quick."""
POLL_SECONDS: Final = 0.2
ANSWER_SECONDS: Final = 10.0
"""How long one answer of the API may take while everything starts."""


@dataclass
class Stack:
    """The processes that run, and their addresses."""

    profile: EmbeddedProfile
    settings: Settings
    database: Database
    keys: Keyring
    worker: Supervised
    api: Supervised
    url: str
    model: bool
    """Whether the embedded local model answers for agents without a credential."""

    def check_processes(self) -> None:
        """Raise EmbeddedError when the worker or the API does not start; the message has the end of its log."""
        for each in (self.worker, self.api):
            if (problem := each.problem) is not None:
                raise problem

    async def answers(self) -> bool:
        """Wait until the API answers; return whether it did so in time. Raise EmbeddedError as `check_processes`."""
        deadline = time.monotonic() + START_SECONDS
        async with httpx.AsyncClient(base_url=self.url, timeout=ANSWER_SECONDS, trust_env=False) as client:
            while time.monotonic() < deadline:
                self.check_processes()
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get("/livez")).is_success:
                        return True
                await asyncio.sleep(POLL_SECONDS)
        return False

    @property
    def templates(self) -> TemplateStore:
        """Return the store of published templates."""
        return TemplateStore(self.database, upgrade)

    @property
    def tenants(self) -> TenantStore:
        """Return the store of tenants and keys."""
        return TenantStore(self.database, self.keys)


@contextlib.asynccontextmanager
async def stack(settings: Settings) -> AsyncIterator[Stack]:
    """Start everything, and stop it in reverse order. Ports that are in use are replaced by free ones.

    Raises:
        EmbeddedError, EmbeddedBusy: the message says what prevents the start.
    """
    async with AsyncExitStack() as exits:
        profile = await exits.enter_async_context(EmbeddedProfile(settings))
        port = free_port(settings.port)
        environment = {**WORKER_DEFAULTS, **os.environ, **profile.environment(), "TEMPOR8_PORT": str(port)}
        logs = profile.folder / "logs"
        logs.mkdir(exist_ok=True)
        model = settings.local_model and settings.local_model_url is None and available()
        if model:
            model_port = free_port(0)
            environment["TEMPOR8_LOCAL_MODEL_URL"] = f"http://127.0.0.1:{model_port}"
            await exits.enter_async_context(_child("model", command(model_port)[1:], logs, environment))
        worker = await exits.enter_async_context(_child("worker", _verb("worker"), logs, environment))
        # only one process can listen at an address
        api_environment = {name: value for name, value in environment.items() if name != "TEMPOR8_METRICS_ADDRESS"}
        api = await exits.enter_async_context(_child("api", _verb("serve"), logs, api_environment))
        attached = profile.settings()
        assert attached.database_url is not None
        database = await exits.enter_async_context(
            Database(attached.database_url.get_secret_value(), size=4, keys=keyring(attached))
        )
        yield Stack(profile, attached, database, keyring(attached), worker, api, f"http://127.0.0.1:{port}", model)


def _verb(name: str) -> list[str]:
    return ["-m", "cli.main", name]


def _child(name: str, arguments: list[str], logs: Path, environment: Mapping[str, str]) -> Supervised:
    return Supervised(name, arguments, logs / f"{name}.log", environment)


def compile_folder(folder: Path = EXPORTS) -> Iterator[tuple[Path, Compilation]]:
    """Yield every export directly in the folder, compiled."""
    for path in sorted(folder.glob("*.json")):
        yield path, compile_export(path.read_bytes(), file=str(path), catalog=CATALOG)
