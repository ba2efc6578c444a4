"""`tempor8 demo` from its start to its end, with a stand-in for the local model that thinks for a few seconds."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from runtime.platform.embedded.fake_vendor import RecordedRequest, StandIn

pytestmark = pytest.mark.long

QUOTE = {"output": {"quote": "The budget is approved; two colleagues and I decide."}}


class SlowModel(StandIn):
    """It answers each request after three seconds with the same quote."""

    def answer(self, request: RecordedRequest) -> tuple[int, Any]:
        """Return the quote, late."""
        time.sleep(3)
        return super().answer(request)

    def _scripted(self) -> dict[str, Any]:
        return {"content": json.dumps(QUOTE)}


async def test_the_demo(tmp_path: Path) -> None:
    """Both runs survive the two deaths of their worker: one request is repeated, the CRM has one contact, one refund is paid."""
    with SlowModel() as model:
        environment = os.environ | {"TEMPOR8_LOCAL_MODEL_URL": model.url, "PYTHONPATH": str(Path.cwd())}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli.main", "demo",
            cwd=tmp_path, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await process.communicate()
    text = output.decode()
    assert process.returncode == 0, text
    assert "while the model works" in text
    assert "while the team lead thinks" in text
    assert "requests repeated after two deaths of the worker: 1 (at most 1)" in text
    assert "contacts in the CRM: 1; refunds paid: 1" in text
    assert "tenant globex asks for the runs: 404" in text
    assert 'begin with their words: \\"The budget is approved' in text
