"""No databases."""

from contextlib import AbstractAsyncContextManager

from runtime.contract import NodeApiError
from runtime.contract.capabilities import Databases, MongoSession, RedisSession, SqlSession
from runtime.hosts.local.offline import OfflineResources
from schemas.task import Task


class NoDatabases(Databases):
    """Nothing is connected."""

    def postgres(self, *, connect_seconds: float = 30.0) -> AbstractAsyncContextManager[SqlSession]:
        """Refuse."""
        del connect_seconds
        raise _offline("Postgres")

    def mysql(self, *, connect_seconds: float = 30.0, several: bool = True) -> AbstractAsyncContextManager[SqlSession]:
        """Refuse."""
        del connect_seconds, several
        raise _offline("MySQL")

    def redis(self) -> AbstractAsyncContextManager[RedisSession]:
        """Refuse."""
        raise _offline("Redis")

    def mongo(self) -> AbstractAsyncContextManager[MongoSession]:
        """Refuse."""
        raise _offline("MongoDB")


def _offline(server: str) -> NodeApiError:
    return NodeApiError(
        f"No connection to {server}: this run is offline; pin the data of this node", http_code="ENETUNREACH"
    )


def provide(resources: OfflineResources, task: Task) -> NoDatabases:
    """Return the databases of a task."""
    del resources, task
    return NoDatabases()
