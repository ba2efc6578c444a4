"""`tempor8 repair`: failures by cause, stuck runs, and the retry of many, over the REST API."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.support.options import verb
from cli.support.rest import DEFAULT_URL, Key, Url, client, show
from cli.support.runs import Declared, Fingerprint, Since, Template, Trigger, Until, User, Version

if TYPE_CHECKING:
    from cli.client.models import BulkRetryRequest

app = verb()


@app.callback()
def repair() -> None:
    """See what is wrong with many runs, and try them again. Answers are JSON on standard output.

    Exit code 0: done. 1: the API refused. 2: usage, or no API there.
    """


@app.command()
def failures(template: Template = None, since: Since = None, url: Url = DEFAULT_URL, key: Key = None) -> None:
    """List failed runs that nobody has tried again, grouped by cause; of the last seven days without --since."""
    show(client(url, key).failures(template=template, since=since))


@app.command()
def stuck(
    limit: Annotated[int, typer.Option(help="Runs per page, 200 at most.", min=1, max=200)] = 50,
    cursor: Annotated[str | None, typer.Option(help="next_cursor of the page before.")] = None,
    url: Url = DEFAULT_URL,
    key: Key = None,
) -> None:
    """List open runs that do not go on, with their reasons."""
    show(client(url, key).stuck(limit=limit, cursor=cursor))


@app.command()
def retry(
    *,
    template: Template = None,
    fingerprint: Fingerprint = None,
    trigger: Trigger = None,
    user: User = None,
    field: Declared = None,
    since: Since = None,
    until: Until = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Run everything again; else at the node that failed.")
    ] = False,
    with_version: Annotated[
        Version, typer.Option(help="The version that each run had, or the current one.")
    ] = Version.ORIGINAL,
    limit: Annotated[int, typer.Option(help="Runs of this request, the newest first.", min=1, max=200)] = 100,
    do: Annotated[bool, typer.Option("--do", help="Start the new runs. Else only say what would happen.")] = False,
    url: Url = DEFAULT_URL,
    key: Key = None,
) -> None:
    """Try failed runs that fit a filter again. Without --do nothing is started: the answer says what would happen to each."""
    body: BulkRetryRequest = {
        "filter": {
            "workflow_template": template,
            "fingerprint": fingerprint,
            "trigger": trigger.value if trigger else None,
            "user_id": user,
            "field": field,
            "since": since,
            "until": until,
        },
        "dry_run": not do,
        "from_start": from_start,
        "with_version": with_version.value,
        "limit": limit,
    }
    show(client(url, key).workflows_retry_many(body))
