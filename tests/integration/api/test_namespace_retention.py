"""Temporal keeps histories for as long as we keep what runs leave; where it does not, an operator is told how to change it."""

from datetime import timedelta

import httpx
from temporalio.client import Client

from runtime.platform.namespace_retention import NamespaceRetention, set_retention
from runtime.platform.settings import Settings

DAYS = timedelta(days=30)


async def test_the_embedded_server_keeps_histories_for_the_retention(temporal: Client, service: Settings) -> None:
    """Also one that was started with another retention before: it is set at each start."""
    found = await NamespaceRetention.of(temporal, timedelta(days=service.retention_days))
    assert found.actual == DAYS
    assert found.hint is None


async def test_a_shorter_retention_is_reported_with_the_command(temporal: Client, acme: httpx.AsyncClient) -> None:
    """In the health answer, which is not down for it."""
    assert (await acme.get("/health")).json()["checks"]["retention"] | {"latency_ms": 0} == {
        "status": "up", "latency_ms": 0, "hint": None, "age_seconds": None, "problems": None, "walls": None
    }  # fmt: skip
    await set_retention(temporal, timedelta(days=3))
    try:
        check = (await acme.get("/health")).json()["checks"]["retention"]
        assert check["status"] == "up"
        assert "temporal operator namespace update --namespace default --retention 720h" in check["hint"]
        assert "keeps histories for 72h" in check["hint"]
    finally:
        await set_retention(temporal, DAYS)
