"""Databases of tenants, through their egress guard."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from runtime.contract import NodeApiError
from runtime.contract.capabilities import Databases, MongoSession, RedisSession, SqlSession
from runtime.hosts.temporal.capabilities.credentials import WorkerCredentials
from runtime.hosts.temporal.resources import WorkerResources
from runtime.platform.egress import EgressRefused
from runtime.platform.mongo_client import connect_mongo
from runtime.platform.mysql_client import connect_mysql
from runtime.platform.postgres_client import connect_postgres
from runtime.platform.redis_client import connect_redis
from schemas.task import Task

S = TypeVar("S")


class WorkerDatabases(Databases):
    """Databases by the credentials of the task's step."""

    def __init__(self, resources: WorkerResources, task: Task) -> None:
        self._resources, self._tenant = resources, task["meta"]["tenant"]
        self._credentials = WorkerCredentials(resources, task)

    def postgres(self, *, connect_seconds: float = 30.0) -> AbstractAsyncContextManager[SqlSession]:
        """By libpq."""
        return self._session("postgres", partial(connect_postgres, connect_seconds=connect_seconds))

    def mysql(self, *, connect_seconds: float = 30.0, several: bool = True) -> AbstractAsyncContextManager[SqlSession]:
        """By PyMySQL."""
        return self._session("mySql", partial(connect_mysql, connect_seconds=connect_seconds, several=several))

    def redis(self) -> AbstractAsyncContextManager[RedisSession]:
        """By redis-py."""
        return self._session("redis", connect_redis)

    def mongo(self) -> AbstractAsyncContextManager[MongoSession]:
        """By PyMongo."""
        return self._session("mongoDb", connect_mongo)

    @asynccontextmanager
    async def _session(
        self, type_: str, connect: Callable[[tuple[str, ...], Mapping[str, Any]], AbstractAsyncContextManager[S]]
    ) -> AsyncIterator[S]:
        server = await self._credentials.get(type_)
        allow = await self._resources.egress_allow(self._tenant)
        try:
            async with connect(allow, server) as session:
                yield session
        except EgressRefused as error:
            raise NodeApiError(str(error), http_code="EGRESS") from error


def provide(resources: WorkerResources, task: Task) -> WorkerDatabases:
    """Return the databases of a task."""
    return WorkerDatabases(resources, task)
