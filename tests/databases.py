"""Nodes of databases against real servers, in process: the sessions of the worker, with the credentials of a test."""

import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from cli.testing.case import run_case
from runtime.contract.capabilities import Databases, MongoSession, RedisSession, SqlSession
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.platform.mongo_client import connect_mongo
from runtime.platform.mysql_client import connect_mysql
from runtime.platform.postgres_client import connect_postgres
from runtime.platform.redis_client import connect_redis

_MADE_UP: Final = re.compile("(?!65a0)[0-9a-f]{24}")
"""ObjectIds that a driver makes up. Those of the cases begin with 65a0."""
LOOPBACK: Final = ("127.0.0.1/32", "::1/128")
CREDENTIALS: Final = {
    "n8n-nodes-base.postgres": "postgres",
    "n8n-nodes-base.mongoDb": "mongoDb",
    "n8n-nodes-base.mySql": "mySql",
    "n8n-nodes-base.redis": "redis",
}
"""Type of a node -> type of its credential."""


class ServerDatabases(Databases):
    """Sessions by credentials of a test: {type of the credential: fields}."""

    def __init__(self, credentials: Mapping[str, Mapping[str, Any]]) -> None:
        self._credentials = credentials

    def postgres(self, *, connect_seconds: float = 30.0) -> AbstractAsyncContextManager[SqlSession]:
        """Connect to the server of the test."""
        return connect_postgres(LOOPBACK, self._credentials["postgres"], connect_seconds=connect_seconds)

    def mysql(self, *, connect_seconds: float = 30.0, several: bool = True) -> AbstractAsyncContextManager[SqlSession]:
        """Connect to the server of the test."""
        return connect_mysql(LOOPBACK, self._credentials["mySql"], connect_seconds=connect_seconds, several=several)

    def redis(self) -> AbstractAsyncContextManager[RedisSession]:
        """Connect to the server of the test."""
        return connect_redis(LOOPBACK, self._credentials["redis"])

    def mongo(self) -> AbstractAsyncContextManager[MongoSession]:
        """Connect to the server of the test."""
        return connect_mongo(LOOPBACK, self._credentials["mongoDb"])


def workflow_of(case: Mapping[str, Any]) -> dict[str, Any]:
    """Return the workflow of a case: a start, and the node with its parameters."""
    credential = CREDENTIALS[case["type"]]
    start = {"id": "a", "name": "Start", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "position": [0, 0]}
    node = {
        "id": "b",
        "name": "Node",
        "type": case["type"],
        "typeVersion": case["version"],
        "position": [200, 0],
        "parameters": case["parameters"],
        "credentials": {credential: {"id": "1", "name": "c"}},
        **case.get("node", {}),
    }
    return {
        "name": "Case",
        "nodes": [{**start, "parameters": {}}, node],
        "connections": {"Start": {"main": [[{"node": "Node", "type": "main", "index": 0}]]}},
        "settings": {"executionOrder": "v1", "timezone": "UTC"},
    }


async def run_node(case: Mapping[str, Any], databases: Databases) -> dict[str, Any]:
    """Run the node of a case; return {status, outputs, pairedItem, error} as the cases have them."""
    question = {"workflow": workflow_of(case), "start": "Start", "mode": "trigger", "input": case.get("input", [{}])}
    actual = await run_case(question, OfflineCapabilities(databases=databases))
    run = (actual["nodes"].get("Node") or [{}])[-1]
    return {
        "status": actual["status"],
        "outputs": run.get("outputs"),
        "pairedItem": run.get("pairedItem"),
        "error": actual["error"] or run.get("error"),
    }


def comparable(value: Any) -> Any:
    """Return outputs with the errors in them as name and description: n8n's have times and the node as well."""
    if isinstance(value, str):
        return _MADE_UP.sub("<id>", value)
    if isinstance(value, dict):
        if {"name", "description"} <= set(value) and ("level" in value or "message" in value):
            return {"name": value["name"], "description": value["description"]}
        return {key: comparable(each) for key, each in value.items()}
    return [comparable(each) for each in value] if isinstance(value, list) else value
