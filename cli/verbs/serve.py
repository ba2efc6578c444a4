"""`tempor8 serve`: the REST API and the webhooks."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cli.support.options import verb

if TYPE_CHECKING:
    import uvicorn

    from api.dependencies import Ports
    from runtime.platform.settings import Settings

app = verb()

PAUSE: Final = 2.0
"""Seconds between two tries to reach a server that is down."""
BACKLOG: Final = 2048
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

    Exit code 2: a setting is malformed, somebody else listens at the address, or the database's role could see through
    row-level security.
    """
    import uvloop

    from runtime.platform.settings import Settings, SettingsError
    from runtime.platform.telemetry import logging

    try:
        settings = _attached(Settings.load())
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    chosen = {"host": host, "port": port}
    settings = settings.model_copy(update={name: value for name, value in chosen.items() if value is not None})
    try:
        listeners = _listeners(settings.host, settings.port)
    except OSError as error:
        typer.echo(
            f"cannot listen at {settings.host}:{settings.port} ({error.strerror or error}). "
            "Stop who does, or choose another address with --host and --port (TEMPOR8_HOST, TEMPOR8_PORT).",
            err=True,
        )
        raise typer.Exit(2) from None
    logging.configure(settings.log_level)
    if not uvloop.run(_serve(settings, listeners, projector=projector)):
        raise typer.Exit(2)


def _listeners(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen, one for each address of the host. They are ours and not uvicorn's, which ends the process in the middle
    of everything when an address is taken. Raises OSError.
    """
    made: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            each = socket.socket(family, kind, protocol)
            made.append(each)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            each.bind(address)
            each.listen(BACKLOG)
    except OSError:
        for each in made:
            each.close()
        raise
    return made


def _attached(settings: "Settings") -> "Settings":
    """With the addresses of the embedded servers that are up, where none were set."""
    if settings.database_url is not None:
        return settings
    from runtime.platform.embedded import attached, running

    addresses = running(settings.state_folder.resolve())
    return attached(settings, addresses) if addresses else settings


async def _serve(settings: "Settings", listeners: list[socket.socket], *, projector: bool) -> bool:
    """Until told to stop; False when the database's role is not one that we may use."""
    import uvicorn

    from api.app import create_app
    from cli.support.wiring import ports

    class Server(uvicorn.Server):
        """Leaves signals to us: uvicorn raises them again when it is done, before our connections are closed."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Nothing is captured."""
            yield

    async with ports(settings) as outside:
        server = Server(
            uvicorn.Config(
                create_app(outside, projector=projector),
                log_config=None,
                access_log=False,  # a line per request costs more than the request, and the run has its own record
                server_header=False,
                proxy_headers=True,
                timeout_graceful_shutdown=10,
            )
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, setattr, server, "should_exit", True)
        guard = asyncio.create_task(_guard(outside, server))
        try:
            await server.serve(sockets=listeners)
        finally:
            guard.cancel()
            (refused,) = await asyncio.gather(guard, return_exceptions=True)
    return refused is not True


async def _guard(outside: "Ports", server: "uvicorn.Server") -> bool:
    """Once both servers answer: check the role, register search attributes. True: the role is unsafe, so we stopped."""
    from runtime.platform.postgres import DatabaseUnavailable, UnsafeRole
    from runtime.platform.telemetry.logging import get_logger
    from runtime.platform.temporal import TemporalUnavailable, ensure_search_attributes

    log = get_logger("tempor8.serve")
    for step in (outside.database.check_role, lambda: ensure_search_attributes(outside.temporal)):
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
            await asyncio.sleep(PAUSE)
    return False
