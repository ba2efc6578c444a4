"""A machine that gives a worker a tenth of a processor: what it does takes ten times as long, and comes to its end all the same."""

import asyncio
import time
import uuid
from datetime import timedelta
from typing import Final

import pytest
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import Client
from temporalio.worker import WorkflowInstance

from bench.exports import START, chain, set_node
from cli.testing.temporal import CaseTemplates
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.hosts.temporal.guarded_runner import GuardedRunner
from runtime.hosts.temporal.worker import build_worker
from schemas.run import RunResult
from tests.integration import test_temporal_host
from tests.patience import PATIENCE

pytestmark = pytest.mark.long

SECONDS: Final = 4.5
"""Of an activation: more than its task has at first, and than 4 s, after which workers gave activations up."""


async def test_a_run_whose_activations_take_longer_than_their_task_has_ends(
    temporal: Client, tenants: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server gives every further attempt of a task more time; the worker must not give it up before."""
    del tenants
    run, tries = GuardedRunner.run, 0

    def waits_for_the_processor(
        self: GuardedRunner, inner: WorkflowInstance, act: WorkflowActivation
    ) -> WorkflowActivationCompletion:
        nonlocal tries
        tries += 1
        time.sleep(SECONDS)
        return run(self, inner, act)

    monkeypatch.setattr(GuardedRunner, "run", waits_for_the_processor)
    monkeypatch.setattr(test_temporal_host, "TASK_TIMEOUT", timedelta(seconds=1))
    queue = f"slow-{uuid.uuid4()}"
    async with build_worker(temporal, OfflineCapabilities(), CaseTemplates(), queue):
        handle = await test_temporal_host.start(
            temporal, queue, chain(START, set_node("Done", 200, {"a": "1"})), [{"json": {}}]
        )
        result = RunResult.model_validate(await asyncio.wait_for(handle.result(), PATIENCE))
    assert result.journal.status == "success"
    assert tries > 2, "tasks were tried again"
