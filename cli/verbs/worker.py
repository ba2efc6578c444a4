"""`tempor8 worker`: run steps and workflows until SIGTERM or Ctrl-C."""

from typing import Annotated

import typer

from cli.support.options import verb
from cli.support.signals import stop_event

app = verb()


@app.command()
def worker(
    tenant: Annotated[
        str | None, typer.Option(help="Poll this tenant's own task queue (TEMPOR8_TENANT_QUEUES) and no other.")
    ] = None,
) -> None:
    """Run a worker on the task queue of the settings (TEMPOR8_TASK_QUEUE) until SIGTERM or Ctrl-C.

    It then takes nothing new and finishes what runs, for up to TEMPOR8_GRACE seconds. Its build takes no runs until it is promoted
    (tempor8 workers promote); the first build of a deployment promotes itself.

    Exit code 2: Temporal or Postgres does not answer, or a wall that TEMPOR8_SANDBOX requires is missing; the message says which.
    """
    import uvloop

    from cli.support.sandbox import build_walls
    from runtime.confinement.walls import WallMissing
    from runtime.platform.embedded import attached, running
    from runtime.platform.settings import Settings, SettingsError
    from runtime.platform.telemetry import logging
    from schemas.errors import InfrastructureError
    from service.worker_builds import PromotionRefusedError

    try:
        settings = Settings.load()
        if settings.database_url is None and (addresses := running(settings.state_folder.resolve())) is not None:
            settings = attached(settings, addresses)
        logging.configure(settings.log_level)
        build_walls(settings)
        uvloop.run(_serve(settings, tenant))
    except (WallMissing, SettingsError, InfrastructureError, PromotionRefusedError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


async def _serve(settings: object, tenant: str | None) -> None:
    from runtime.hosts.temporal.worker import serve

    stop = stop_event()
    await serve(settings, stop, tenant)  # type: ignore[arg-type]
