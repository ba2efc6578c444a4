"""Journals of any length are read: as a whole where one answer can have it, else page by page."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from temporalio.client import Client, WorkflowQueryFailedError

from schemas.run import Journal, JournalPage, StepRecord, Totals
from service.run_reader import TemporalRuns

STEPS = [StepRecord(node=f"N{i}", run=0, status="success", started=0, finished=1) for i in range(2_500)]


class Handle:
    """A run of 2,500 steps that answers as a worker does: `whole` when it is asked for all, None refuses."""

    def __init__(self, *, whole: bool, pages: bool) -> None:
        self.whole, self.pages, self.asked = whole, pages, 0

    async def query(self, name: str, *, args: list[Any], **options: Any) -> Journal:
        """Answer, or refuse."""
        del name, options
        self.asked += 1
        if not (self.pages if args else self.whole):
            raise WorkflowQueryFailedError("the answer is too large")
        if not args:
            return Journal(status="running", steps=STEPS)
        page = JournalPage.model_validate(args[0])
        placed = list(enumerate(STEPS))[page.since : page.since + page.limit]
        following = placed[-1][0] + 1 if placed and placed[-1][0] + 1 < len(STEPS) else None
        steps = [step.model_copy(update={"place": place}) for place, step in placed]
        return Journal(status="running", steps=steps, totals=Totals(steps=len(STEPS), failed=0, next=following))


@pytest.mark.parametrize(
    ("whole", "pages", "place", "read", "asked"),
    [
        pytest.param(True, True, None, 2_500, 1, id="all in one answer"),
        pytest.param(False, True, None, 2_500, 4, id="too long for one answer"),
        pytest.param(True, True, 2_400, 100, 1, id="only what is new"),
        pytest.param(True, True, 2_500, 0, 1, id="nothing is new"),
        pytest.param(True, False, 2_400, 2_500, 2, id="a build that knows no pages"),
        pytest.param(False, False, None, None, 3, id="a run that cannot answer"),
    ],
)
async def test_a_journal_is_read_whatever_its_length(
    *, whole: bool, pages: bool, place: int | None, read: int | None, asked: int
) -> None:
    """With as few questions as it takes."""
    handle = Handle(whole=whole, pages=pages)
    client = SimpleNamespace(get_workflow_handle=lambda *_, **__: handle)
    runs = TemporalRuns(cast("Client", client))
    journal = await (runs.journal("acme:t:1") if place is None else runs.journal_since("acme:t:1", place=place))
    assert (None if journal is None else len(journal.steps)) == read
    assert handle.asked == asked
    if journal is not None and place is None:
        assert [step.node for step in journal.steps] == [step.node for step in STEPS]
