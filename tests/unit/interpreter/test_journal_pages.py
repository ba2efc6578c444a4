"""Pages of the journal of a run that goes on, and of one that has ended."""

import pytest

from bench.exports import loop
from cli.testing.case import plan_of
from runtime.catalog import CATALOG
from runtime.hosts.local.host import LocalHost, run_local
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.interpreter.journal import journal, page_of, result_bytes
from runtime.interpreter.run_info import RunInfo
from schemas.item import Item
from schemas.run import Journal, JournalPage, RunResult

PAGES: tuple[tuple[int, int, list[int], int | None], ...] = (
    (0, 3, [0, 1, 2], 3),  # the first ones
    (2, 2, [2, 3], 4),  # from the middle
    (9, 5, [9, 10], None),  # the last ones: there are 11 steps
    (11, 5, [], None),  # nothing yet
)


@pytest.mark.parametrize(("since", "limit", "places", "following"), PAGES)
async def test_a_page_has_its_steps_and_the_totals(
    since: int, limit: int, places: list[int], following: int | None
) -> None:
    """Both ways to make a page agree, whether or not the run has ended."""
    host = LocalHost(CATALOG, OfflineCapabilities())
    items = [{"json": {"n": i}} for i in range(4)]
    execution, finished = await run_local(plan_of(loop()), host, RunInfo(), items)  # type: ignore[arg-type]
    whole = journal(execution, finished)
    page = JournalPage(since=since, limit=limit)
    for cut in (journal(execution, page=page), page_of(whole, page)):
        assert [place for place, _ in cut.since(0)] == places
        assert cut.totals is not None
        assert cut.totals.next == following
        assert cut.count == whole.count
        assert cut.failed == whole.failed


@pytest.mark.parametrize(("characters", "has_response"), [(10, True), (900, False)])
def test_a_response_that_is_too_large_beside_the_outputs_is_left_out(characters: int, *, has_response: bool) -> None:
    """Each is below the limit; together they may be more than a workflow task can store."""
    outputs: list[list[Item] | None] = [[{"json": {"text": "x" * 400}}]]
    done = RunResult(journal=Journal(status="success"), outputs=outputs, response={"body": "y" * characters})
    written = RunResult.model_validate_json(result_bytes(done, 1_000))
    assert written.outputs == outputs
    assert (written.response is not None) == has_response
