"""Items that went through a node: asked of a worker, or read from what a failed run left."""

from typing import Literal

from api.dependencies import Dependencies
from api.problems import BadRequest
from api.runs.lookup import find_run, require_archived, require_data
from schemas.redact import redact, redact_json
from schemas.run import ItemsAnswer, ItemsPage, ItemView
from service.run_archive import items_of_state
from service.run_reader import TemporalRuns

__all__ = ["read_items", "side_of"]


def side_of(text: str) -> Literal["input", "output"]:
    """Return the side of a node that an address names. Raises BadRequest."""
    if text == "input":
        return "input"
    if text == "output":
        return "output"
    raise BadRequest("side: input or output.")


async def read_items(
    tenant: str, workflow_id: str, asked: ItemsPage, dependencies: Dependencies, runs: TemporalRuns
) -> ItemsAnswer | None:
    """Return a page of items with secrets masked; None: nothing is known of them, or no worker answers.

    Raises:
        UnknownRun: the tenant has no such run, or no data are kept of it.
    """
    run = await find_run(tenant, workflow_id, runs)
    if run is not None:
        await require_data(run, dependencies)
        left = await runs.left_state(run)
        answer = items_of_state(left, asked) if left is not None else await runs.items(run, asked)
    else:
        archived = await require_archived(tenant, workflow_id, dependencies)
        answer = await dependencies.archive.items(archived, asked)
    return None if answer is None else answer.model_copy(update={"items": [_masked(each) for each in answer.items]})


def _masked(item: ItemView) -> ItemView:
    beginning = None if item.beginning is None else redact(item.beginning, hashes=False)
    return item.model_copy(update={"json_": redact_json(item.json_, depth=50), "beginning": beginning})
