"""`tempor8 workers`: builds of the worker, and which of them runs begin on."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from cli.support.listing import Json, write_list
from cli.support.options import verb

if TYPE_CHECKING:
    from service.worker_builds import Build, WorkerBuilds

app = verb()
T = TypeVar("T")


@app.callback()
def workers() -> None:
    """Show and promote builds of the worker (TEMPORAL_ADDRESS, TEMPOR8_DEPLOYMENT).

    Exit code 0: done. 1: Temporal refuses the promotion, or runs are left behind. 2: usage, or Temporal does not answer.
    """


@app.command("list")
def list_builds(json: Json = False) -> None:
    """List the builds, newest first: which is current, which a worker polls for, and how many open runs each has."""

    async def work(builds: "WorkerBuilds") -> None:
        state = await builds.describe()
        counts = {each.id: await builds.count_runs(each.id) for each in state.builds}

        def line(each: "Build") -> str:
            notes = [
                "current" if each.id == state.current else "",
                "polls" if each.polls else "no worker",
                f"{counts[each.id]} open runs",
                f"first seen {datetime.fromtimestamp(each.first_seen, UTC):%Y-%m-%d %H:%M:%S} UTC",
            ]
            return f"{each.id}  {', '.join(note for note in notes if note)}"

        def members(each: "Build") -> dict[str, object]:
            return {
                "id": each.id,
                "current": each.id == state.current,
                "polls": each.polls,
                "open_runs": counts[each.id],
                "first_seen": datetime.fromtimestamp(each.first_seen, UTC),
            }

        write_list(state.builds, line, members, as_json=json)

    _run(work)


@app.command("build")
def print_build() -> None:
    """Print the build id of this installation: what a deployment names before it starts workers."""
    from runtime.hosts.temporal.build_id import build_id

    typer.echo(build_id())


@app.command()
def promote(
    build: Annotated[str | None, typer.Option(help="The build; this installation's own when not given.")] = None,
    move: Annotated[bool, typer.Option(help="Wake waiting runs of other builds, so that they go over now.")] = True,
    stranded: Annotated[
        bool,
        typer.Option(help="Also move runs whose build has no worker: their histories are replayed by the new one."),
    ] = False,
) -> None:
    """Make a build the current one: new runs begin on it, and others go over to it.

    A worker of the build must poll. It is safe to repeat: what has gone over stays. A run in the middle of a step goes over when
    that step ends, so keep workers of the old build until `tempor8 workers list` shows no open runs for it.
    """
    from runtime.hosts.temporal.build_id import build_id

    target = build or build_id()

    async def work(builds: "WorkerBuilds") -> dict[str, int]:
        await builds.promote(target)
        typer.echo(f"{target} is current")
        if move:
            typer.echo(f"{await builds.move_waiting(target)} runs of older builds were told to go over")
        if stranded:
            typer.echo(f"{await builds.move_stranded(target)} runs were moved whose build has no worker")
        return await builds.stranded(target)

    left = _run(work)
    for id_, number in left.items():
        if not stranded:
            typer.echo(
                f"{number} open runs are on build {id_}, for which no worker polls: they stand still. Start a worker of it, "
                "or move them with --stranded.",
                err=True,
            )
    raise typer.Exit(int(bool(left) and not stranded))


def _run(work: "Callable[[WorkerBuilds], Awaitable[T]]") -> T:
    from temporalio.service import RPCError

    from runtime.platform.embedded import attached, running
    from runtime.platform.settings import Settings, SettingsError
    from runtime.platform.temporal import TemporalUnavailable
    from service.worker_builds import PromotionRefusedError

    try:
        settings = Settings.load()
        if settings.embedded_temporal and (addresses := running(settings.state_folder.resolve())) is not None:
            settings = attached(settings, addresses)
        return asyncio.run(_connected(settings, work))
    except PromotionRefusedError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except (SettingsError, TemporalUnavailable) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    except RPCError as error:
        typer.echo(f"Temporal refuses ({error.status.name.lower()}): {error.message}", err=True)
        raise typer.Exit(2) from None


async def _connected(settings: object, work: "Callable[[WorkerBuilds], Awaitable[T]]") -> T:
    from temporalio.converter import DataConverter

    from runtime.platform.settings import Settings
    from runtime.platform.temporal import connect
    from service.worker_builds import WorkerBuilds

    assert isinstance(settings, Settings)
    client = await connect(settings, DataConverter.default)  # no payload of a run is read
    return await work(WorkerBuilds(client, settings.deployment, settings.queues))
