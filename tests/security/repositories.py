"""Every function of `service/` that takes a tenant, with arguments for it, and pools on which it can be called.

The functions are discovered: a new one is attacked without being named here, and fails where its arguments are not known.
"""

import importlib
import inspect
import json
import pkgutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from psycopg import sql

import service
from compiler import compile_export
from runtime.catalog import CATALOG
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Connection, Database
from runtime.platform.sealed_credentials import SealedCredentials
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore
from schemas.plan import Plan
from service.api_keys import ALL_SCOPES
from service.audit import AuditLog
from service.clear_rows import CLEAR_ROWS, ClearRows
from service.columns import Columns
from service.credential_uses import CredentialUse
from service.execution_rows import ExecutionRow
from service.execution_store import Filter
from service.figure_series import FigureSeries
from service.model_spending import Spent
from service.registration_store import Registration
from service.schedule_store import ScheduleRow
from service.template_records import Published
from service.templates import TemplateStore
from service.tenant_contents import TenantContents
from tests.exports import export, node, set_
from tests.security.test_row_level_security import ROW

MINE, OTHER = "robbed", "robber"
NAME: Final = "Export of the robbed"
EXEMPT: Final = {
    "TemporalSchedules": "asks Temporal; its rows come from ScheduleStore",
    "Scheduler": "asks Temporal; its rows come from ScheduleStore",
    "DeletionStore.delete_tenant_rows": "deletes from the queues of tenants, too, which belong to none",
    "Resealer.seal": "its rows come from ClearRows, which are attacked, and its keys from the next ones' table",
    "TenantDataKeys.tenants": "asks tenant_sealing, which belongs to no tenant",
    "TenantDataKeys.rotate": "sets the tenant itself, on a connection of the table of keys (tests/integration/platform)",
    "TenantDataKeys.wrap_again": "sets the tenant itself, on a connection of the table of keys (tests/integration/platform)",
    "run_once": "hands its transaction to its caller's work",
    "ProjectionState.report": "sets the tenant itself, in one round trip with its statements",
    "ExecutionStore.write": "sets the tenant itself, in one round trip with its statements",
    "RollupBackfill.step": "sets the tenant itself, in one round trip with its statements",
    "write_runs": "sets the tenant itself, in one round trip with its statements",
    "CompilePool": "knows no database",
    "begin_runs": "sets the tenant itself, in one round trip with its statements",
}
"""Class or function that is not attacked, and why."""


class Misdirected(Database):
    """A pool whose transactions have another tenant than the caller says: that of the attacker, or none."""

    def __init__(self, url: str, tenant: str, keys: Keyring) -> None:
        super().__init__(url, size=3, keys=keys)
        self._tenant = tenant

    @asynccontextmanager
    async def tenant_transaction(self, tenant: str) -> AsyncIterator[Connection]:
        """See base class."""
        del tenant
        async with self._transaction(self._tenant) as connection:
            yield connection


class Rehearsal(Database):
    """A pool that undoes everything at the end of each transaction, and knows whether there was something to undo."""

    changed = False

    @asynccontextmanager
    async def tenant_transaction(self, tenant: str) -> AsyncIterator[Connection]:
        """See base class."""
        async with (
            super().tenant_transaction(tenant) as connection,
            connection.transaction(force_rollback=True),
        ):
            yield connection
            cursor = await connection.execute("select pg_current_xact_id_if_assigned() is not null as changed")
            row = await cursor.fetchone()
            self.changed = self.changed or bool(row and row["changed"])


@dataclass(frozen=True)
class Target:
    """A function that takes a tenant; `owner` None: one of a module."""

    owner: type | None
    function: Callable[..., Awaitable[Any]]
    rows: ClearRows | None = None
    """The one that is called, where the owner is ClearRows."""

    @property
    def name(self) -> str:
        name = f"{self.owner.__name__}.{self.function.__name__}" if self.owner else self.function.__name__
        return f"{name}:{self.rows.table}.{self.rows.clear}" if self.rows else name


def targets() -> list[Target]:
    """Return what is attacked: what is found and not exempt."""
    return [each for each in discovered() if not {each.name, each.owner and each.owner.__name__} & set(EXEMPT)]


def discovered() -> list[Target]:
    """Return every public coroutine of `service/` with a parameter `tenant`."""
    found: list[Target] = []
    for info in pkgutil.walk_packages(service.__path__, "service."):
        module = importlib.import_module(info.name)
        for name, thing in vars(module).items():
            if getattr(thing, "__module__", None) != module.__name__ or name.startswith("_"):
                continue
            if inspect.iscoroutinefunction(thing):
                found.append(Target(None, thing))
            elif inspect.isclass(thing):
                found += [
                    Target(thing, each, rows)
                    for method, each in vars(thing).items()
                    if not method.startswith("_") and inspect.iscoroutinefunction(each)
                    for rows in (CLEAR_ROWS if thing is ClearRows else (None,))
                ]
    return [each for each in found if "tenant" in inspect.signature(each.function).parameters]


@dataclass(frozen=True)
class World:
    """What the tenant has, and what arguments are made of."""

    service: Settings
    keys: Keyring
    plan: Plan
    key_id: str

    def build(self, owner: type, database: Database) -> Any:
        """Return a store on a pool. Raises KeyError for a parameter that is not known here."""
        made: dict[str, Any] = {
            "database": database,
            "url": "",
            "keyring": self.keys,
            "retention": timedelta(days=1) if owner is AuditLog else timedelta(0),
            "store": TemplateStore(database),
            "templates": TemplateStore(database),
            "blobs": BlobStore.of(self.service, database, self.keys),
            "runs": None,
            "reader": None,
            "keys": self.keys,
        }
        wanted = inspect.signature(owner).parameters.values()
        return owner(**{each.name: made[each.name] for each in wanted if each.default is inspect.Parameter.empty})

    def arguments(self, target: Target, database: Database, connection: Connection) -> dict[str, Any]:
        """Return the arguments of a function. Raises KeyError for a parameter that is not known here."""
        now, plan_hash = datetime.now(UTC), self.plan.id

        async def has_ended(_: str) -> bool:
            return False

        values: dict[str, Any] = {
            "tenant": MINE, "database": database, "connection": connection, "store": TemplateStore(database),
            "columns": Columns(self.keys, MINE), "catalog": CATALOG,
            "key": "k", "template": "k", "workflow": NAME, "workflow_id": "w", "id_": "e", "ids": ["e"], "limit": 100,
            "pause": timedelta(1), "entries": ["10.0.0.0/8"], "key_id": self.key_id, "overlap": timedelta(0),
            "uses": {self.key_id: now}, "value": "v2", "data": {"x": 1}, "plan_hash": plan_hash, "plan": self.plan,
            "export": "{}", "seconds": 100, "method": "POST", "path": "robbed-hook", "retention": timedelta(0),
            "filter_": Filter(), "since": None, "changed_at": now, "schedule_id": f"{MINE}:t:n:0", "error": "an error",
            "messages": [{"x": 1}], "has_ended": has_ended, "request": "r", "key_digest": "new", "scopes": ALL_SCOPES,
            "reference": {"id": "k"}, "noted": True, "name": "n", "templates": ["k"], "action": "a.b", "object_": "o",
            "places": [("run", "r")], "spent": Spent(turns=1), "days": 1, "lifetime": timedelta(days=1),
            "credentials": SealedCredentials(database, self.keys),
            "compiled": compile_export(body(), file="k.json", catalog=CATALOG),
            "row": ScheduleRow("t:n:0", "t", "n", "{}", None, None, 0, None),
            "rows": [ExecutionRow(MINE, "e2", "r", "k", plan_hash, "rest", "running", now, steps=[])],
        }  # fmt: skip
        published = Published(MINE, "k", 1, plan_hash, self.plan.model_dump_json().encode())
        registration = Registration("t:n", "t", "n", {}, "d", None, None)
        special: dict[str, dict[str, Any]] = {
            "TestListeners.open": {"template": published},
            "TestListeners.take": {"template": published},
            "RunTemplates.variables": {"template": published},
            "RunTemplates.static_data": {"template": published},
            "ChatMemoryStore.load": {"key": "s"},
            "ChatMemoryStore.append": {"key": "s"},
            "ScheduleStore.row": {"id_": "t:n:0"},
            "ScheduleStore.of_template": {"key": "t"},
            "ScheduleStore.forget_applied": {"ids": ["t:n:0"]},
            "DeletionStore.get": {"key": "t"},
            "DeletionStore.delete_schedule": {"id_": "gone"},
            "RegistrationStore.of_template": {"key": "t"},
            "RegistrationStore.of_node": {"key": "t", "node": "n"},
            "RegistrationStore.note_applied": {"row": registration, "applied": {}},
            "RegistrationStore.note_removed": {"row": registration},
            "RegistrationStore.note_error": {"row": registration},
            "RegistrationStore.is_removing": {"key": "gone"},
            "write_registrations": {"columns": Columns(database.keys, MINE), "wanted": [{"node": "n"}]},
            "VectorDocumentStore.add": {
                "key": "s",
                "documents": [{"id": "new", "document": {"x": 1}, "vector": [1.0]}],
                "limit": 10,
            },
            "VectorDocumentStore.clear": {"key": "s"},
            "VectorDocumentStore.nearest": {"key": "s", "vector": [], "k": 5},
            "StartKeys.claim": {"request": "r"},
            "FailureStore.groups": {"since": datetime(2000, 1, 1, tzinfo=UTC)},
            "write_schedules": {"rows": [("n:1", "n", "{}")]},
            "TenantStore.create": {"tenant": MINE},
            "CredentialUses.write": {"uses": [CredentialUse("t", "n", "e", "node", datetime(2026, 1, 2, tzinfo=UTC))]},
            "TaskDeaths.begin": {"workflow_id": "w", "task": "t", "first": 0},
            "TaskDeaths.end": {"workflow_id": "w", "task": "t"},
            "TaskDeaths.count": {"workflow_id": "w", "task": "t"},
        }
        values |= special.get(target.name, {})
        wanted = inspect.signature(target.function).parameters.values()
        return {
            each.name: values[each.name]
            for each in wanted
            if each.name != "self"
            and (each.name in ALWAYS.get(target.name, ()) or each.default is inspect.Parameter.empty)
        }

    async def call(self, target: Target, database: Database) -> Any:
        """Return what a function returns when it works on a pool."""
        connected = "connection" in inspect.signature(target.function).parameters
        async with AsyncExitStack() as stack:
            connection = await stack.enter_async_context(database.tenant_transaction(MINE)) if connected else None
            arguments = self.arguments(target, database, cast("Connection", connection))
            if target.owner is None:
                return await target.function(**arguments)
            return await target.function(target.rows or self.build(target.owner, database), **arguments)


ALWAYS: Final = {"DeletionStore.get": ("key",)}
"""Parameters with a default that are given all the same."""


def body() -> bytes:
    hook = node("Hook", "webhook", 2, path="robbed-hook", httpMethod="POST", options={})
    return json.dumps(export(NAME, hook, set_("Greet", greeting="hello"))).encode()


async def snapshot(database: Database, tenants: tuple[str, ...] = (MINE, OTHER)) -> dict[str, str]:
    """Return a digest of the rows of the tenants, by table."""
    parts = [
        sql.SQL(
            "select {name} as name, coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as digest"
            " from {table} t where {column} = current_tenant()"
        ).format(
            name=sql.Literal(table),
            table=sql.Identifier(table),
            column=sql.Identifier("id" if table == "tenants" else "tenant_id"),
        )
        for table in ("tenants", *ROW)
    ]
    found: dict[str, str] = {}
    for tenant in tenants:
        async with database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(sql.SQL(" union all ").join(parts))
            found |= {f"{tenant} {row['name']}": row["digest"] for row in await cursor.fetchall()}
    return found


def is_nothing(value: Any) -> bool:
    """Whether a value tells nothing: none, false, zero or empty, or made of such."""
    if isinstance(value, tuple | list):
        return all(is_nothing(each) for each in value)
    if isinstance(value, dict):
        return all(is_nothing(each) for each in value.values())
    if isinstance(value, FigureSeries):  # its points of time are there without a run, too
        usage = [line for each in (value.templates, value.agents) for line in (each.tokens, each.cost_usd)]
        return is_nothing([value.runs, value.p50_ms, value.p95_ms, *usage])
    if isinstance(value, TenantContents):
        return is_nothing([value.rows, value.payload_bytes, value.at_least])
    if hasattr(value, "all") and not isinstance(value, str):  # Routes
        return is_nothing(value.all)
    return not value
