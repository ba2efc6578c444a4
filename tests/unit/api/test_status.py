"""Statuses of closed runs."""

from datetime import UTC, datetime
from typing import Any

import pytest

from api.runs.status import status_of_outcome
from schemas.kinds import RunStatus
from schemas.run import Journal, RunResult
from service.run_description import RunDescription
from service.run_reader import Outcome

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
RUN = RunDescription(
    id="acme:page:1", run_id="1", tenant="acme", template="page", plan_hash="0", trigger_kind="api",
    status=RunStatus.COMPLETED, started_at=NOON, closed_at=NOON, parent_id=None, user_id=None,
)  # fmt: skip


@pytest.mark.parametrize("value", ["<html>Login</html>", 7, True, ["a"], {"a": 1}, None])
def test_a_result_that_is_no_object_is_shown(value: Any) -> None:
    """A service answered a page of HTML, a number or a list, which n8n's nodes make items of."""
    result = RunResult(journal=Journal(status="success"), outputs=[[{"json": value}]])
    answer = status_of_outcome(RUN, Outcome(RunStatus.COMPLETED, result, None))
    assert answer.result is not None
    assert (answer.result.first_item, answer.result.items) == (value, [1])
