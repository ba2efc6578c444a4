"""What a run hands out is measured on the local host as it is on Temporal."""

import json
from typing import Any

import pytest

from cli.testing.case import plan_of
from runtime.catalog import CATALOG
from runtime.contract import HttpResponse
from runtime.hosts.local.host import LocalHost, run_local
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.interpreter.journal import journal
from runtime.interpreter.run_info import RunInfo
from tests.border_cases import CASES, CHILD, LIMIT


class World(OfflineCapabilities):
    """Answers every request."""

    def __init__(self) -> None:
        super().__init__(http=self)

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """See Http."""
        del method, options
        return HttpResponse(200, "OK", [("content-type", "application/json")], json.dumps({"url": url}).encode(), url)


@pytest.mark.parametrize("name", CASES)
async def test_a_local_run_ends_with_its_journal(name: str) -> None:
    """Each case ends as `tests.border_cases` says."""
    case = CASES[name]
    host = LocalHost(CATALOG, World(), library=lambda _: plan_of(CHILD))
    info = RunInfo(execution_id="1", payload_limit=LIMIT)
    execution, finished = await run_local(plan_of(case.export), host, info, case.items)  # type: ignore[arg-type]
    assert journal(execution, finished).steps
    if case.message is None:
        assert finished.status == "success", finished.error
        if case.outputs is not None:
            assert [item["json"] for item in execution.result()[0] or ()] == case.outputs
        return
    assert finished.error is not None
    assert finished.error["node"] == case.node
    assert finished.error["message"].startswith(case.message)
