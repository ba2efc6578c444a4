"""`tempor8 worker`: run steps and workflows until SIGTERM or Ctrl-C."""

import asyncio
import signal

import typer

from cli.support.options import verb

app = verb()


@app.command()
def worker() -> None:
    """Run a worker on the task queue of the settings (TEMPOR8_TASK_QUEUE) until SIGTERM or Ctrl-C.

    Exit code 2: Temporal or Postgres does not answer; the message says which and how to start it.
    """
    from runtime.platform.embedded import attached, running
    from runtime.platform.postgres import DatabaseUnavailable
    from runtime.platform.settings import Settings, SettingsError
    from runtime.platform.telemetry import logging
    from runtime.platform.temporal import TemporalUnavailable

    try:
        settings = Settings.load()
        if settings.database_url is None and (addresses := running(settings.state_folder.resolve())) is not None:
            settings = attached(settings, addresses)
        logging.configure(settings.log_level)
        asyncio.run(_serve(settings))
    except (SettingsError, DatabaseUnavailable, TemporalUnavailable) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


async def _serve(settings: object) -> None:
    from runtime.hosts.temporal.worker import serve

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(settings, stop)  # type: ignore[arg-type]
