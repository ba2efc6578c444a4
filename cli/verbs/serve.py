"""`tempor8 serve`: the REST API and the webhooks."""

import asyncio
import gc
import socket
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cli.support.options import verb
from cli.support.signals import end_at_once, stop_event

if TYPE_CHECKING:
    from api.dependencies import Dependencies
    from cli.support.http_server import Server
    from runtime.confinement.walls import Wall
    from runtime.platform.settings import Settings

app = verb()

RETRY_SECONDS: Final = 2.0
"""Seconds between two attempts to reach a server that is down."""
BACKLOG_CONNECTIONS: Final = 2048
"""Connections that may wait to be accepted."""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen at; TEMPOR8_HOST otherwise.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen at; TEMPOR8_PORT (8202) otherwise.")] = None,
    projector: Annotated[
        bool, typer.Option(help="Keep the tables of runs up to date from here; one of all processes is active.")
    ] = True,
) -> None:
    """Serve the API until SIGTERM or Ctrl-C. While Temporal or Postgres is down it answers 503 and says which.

    Exit code 2: a setting is malformed, the address is in use, the database's role is exempt from
    row-level security, or a wall that TEMPOR8_SANDBOX requires is missing.
    """
    end_at_once()
    import uvloop

    from cli.support.sandbox import build_walls
    from runtime.confinement.walls import WallMissing
    from runtime.platform.settings import Settings, SettingsError
    from runtime.platform.telemetry import logging

    try:
        settings = _attached(Settings.load())
        logging.configure(settings.log_level)
        walls = build_walls(settings)
    except (SettingsError, WallMissing) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    overrides = {"host": host, "port": port}
    settings = settings.model_copy(update={name: value for name, value in overrides.items() if value is not None})
    try:
        listeners = _listeners(settings.host, settings.port)
    except OSError as error:
        typer.echo(
            f"cannot listen at {settings.host}:{settings.port} ({error.strerror or error}). "
            "Stop the process that uses it, or choose another address with --host and --port (TEMPOR8_HOST, TEMPOR8_PORT).",
            err=True,
        )
        raise typer.Exit(2) from None
    if not uvloop.run(_serve(settings, listeners, walls, projector=projector)):
        raise typer.Exit(2)


def _listeners(host: str, port: int) -> list[socket.socket]:
    """Return listening sockets, one for each address of the host. uvicorn would end the process when an address is in use.

    Raises:
        OSError: an address is in use, or is none of this machine.
    """
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            each = socket.socket(family, kind, protocol)
            sockets.append(each)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            each.bind(address)
            each.listen(BACKLOG_CONNECTIONS)
    except OSError:
        for each in sockets:
            each.close()
        raise
    return sockets


def _attached(settings: "Settings") -> "Settings":
    """Return the settings with the addresses of the embedded servers that are up, where none were set."""
    if settings.database_url is not None:
        return settings
    from runtime.platform.embedded import attached, running

    addresses = running(settings.state_folder.resolve())
    return attached(settings, addresses) if addresses else settings


async def _serve(
    settings: "Settings", listeners: list[socket.socket], walls: "tuple[Wall, ...]", *, projector: bool
) -> bool:
    """Serve until a signal; return False when the database's role may not be used."""
    stop = stop_event()
    from api.app import create_app
    from cli.support.http_server import http_server
    from cli.support.wiring import open_dependencies
    from runtime.platform.watchdog import watched

    async with open_dependencies(settings, walls) as dependencies:
        server = http_server(create_app(dependencies, projector=projector), settings)
        gc.collect()
        gc.freeze()  # modules and routes stay: to search them for garbage again and again holds every request up

        async def shut_down() -> None:
            """Take no more connections, end streams, and tell callers after the grace."""
            await stop.wait()
            dependencies.shutdown.request(settings.api_grace)
            server.should_exit = True

        ending = asyncio.create_task(shut_down())
        guard = asyncio.create_task(_guard(dependencies, server))
        try:
            with watched(settings.watchdog_seconds):
                await server.serve(sockets=listeners)
        finally:
            guard.cancel()
            ending.cancel()
            unsafe, _ = await asyncio.gather(guard, ending, return_exceptions=True)
    return unsafe is not True


async def _guard(dependencies: "Dependencies", server: "Server") -> bool:
    """Check the role and register search attributes once both servers answer; stop and return True when the role is unsafe."""
    from runtime.platform.postgres import DatabaseUnavailable, UnsafeRole
    from runtime.platform.telemetry.logging import get_logger
    from runtime.platform.temporal import TemporalUnavailable, ensure_search_attributes

    log = get_logger("tempor8.serve")
    for step in (dependencies.database.check_role, lambda: ensure_search_attributes(dependencies.temporal)):
        while True:
            try:
                await step()
                break
            except UnsafeRole as error:
                log.error(str(error))  # noqa: TRY400  # the message is for the operator, the stack is not
                server.should_exit = True
                return True
            except (DatabaseUnavailable, TemporalUnavailable, RuntimeError) as error:
                log.warning(str(error))
            await asyncio.sleep(RETRY_SECONDS)
    return False
