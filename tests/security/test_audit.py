"""The audit log: every operation that changes something leaves a row, whoever calls it and however it ends."""

import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest
from litestar import Litestar

from api.access import ACTION, OPERATOR
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database, DatabaseUnavailable
from service.api_keys import KeyScope
from service.audit import ActorKind, AuditLog, AuditRecord, Outcome
from service.tenants import TenantStore
from tests.exports import greeting
from tests.service import client, ended, started

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("published")]

READS_ONLY = {"POST /codec/decode", "POST /templates/check", "POST /tools/mcp"}
"""Operations that are no GET and change nothing; the tools of `/tools/mcp` that do write rows of their own."""


def operations(application: Litestar) -> dict[str, Any]:
    """Return each operation that is neither public nor a GET -> its handler; forms of the console have tests of their own."""
    found: dict[str, Any] = {}
    for route in application.routes:
        if route.path.startswith("/console"):
            continue
        for handler in getattr(route, "route_handlers", []):
            for method in handler.http_methods - {"GET", "HEAD", "OPTIONS"}:
                if not handler.opt.get("public"):
                    found[f"{method} {route.path.replace(':str', '')}"] = handler
    return found


async def log_of(caller: httpx.AsyncClient, path: str = "/audit") -> list[dict[str, Any]]:
    answer = await caller.get(path, params={"limit": 200})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_every_operation_that_is_no_get_says_what_it_does(application: Litestar) -> None:
    silent = {name for name, handler in operations(application).items() if handler.opt.get(ACTION) is None}
    assert silent == READS_ONLY


async def test_every_operation_that_changes_something_leaves_a_row(
    application: Litestar, acme: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    """Each is called so that it succeeds, in this order."""
    run = await started(acme, "greeting")
    await ended(acme, run)
    assert (await acme.post("/templates", params={"key": "audited"}, json=greeting())).status_code == 201
    key = (await acme.post("/keys", json={"scopes": ["read"]})).json()["id"]
    assert (await operator.post("/operator/tenants", json={"id": "hooli"})).status_code == 201
    theirs = (await operator.post("/operator/tenants/hooli/keys", json={"scopes": ["read"]})).json()["id"]
    calls: dict[str, tuple[str, Any, str]] = {
        "POST /workflows/start": ("/workflows/start", {"workflow_template": "greeting"}, "run/acme:greeting:"),
        "POST /workflows/{workflow_id}/cancel": (f"/workflows/{run}/cancel", None, f"run/{run}"),
        "POST /workflows/{workflow_id}/retry": (f"/workflows/{run}/retry", {"from_start": True}, f"run/{run}"),
        "POST /workflows/{workflow_id}/answer": (f"/workflows/{run}/answer", {"approved": True}, f"run/{run}"),
        "POST /workflows/retry": ("/workflows/retry", {"filter": {"workflow_template": "nobody"}}, "template/nobody"),
        "POST /templates": ("/templates?key=audited_too", greeting(), "template/audited_too"),
        "POST /templates/{key}/activate": ("/templates/audited/activate", None, "template/audited"),
        "POST /templates/{key}/deactivate": ("/templates/audited/deactivate", None, "template/audited"),
        "POST /templates/{key}/listen": ("/templates/audited/listen", None, "template/audited"),
        "DELETE /templates/{key}": ("/templates/audited", None, "template/audited"),
        "POST /keys": ("/keys", {"scopes": ["read"]}, "key/"),
        "PUT /keys/{key_id}/expiry": (f"/keys/{key}/expiry", {"expires_in_days": 30}, f"key/{key}"),
        "POST /keys/{key_id}/rotate": (f"/keys/{key}/rotate", {}, f"key/{key}"),
        "DELETE /keys/{key_id}": (f"/keys/{key}", None, f"key/{key}"),
        "POST /operator/tenants": ("/operator/tenants", {"id": "hooli2"}, "tenant/hooli2"),
        "PUT /operator/tenants/{tenant}/egress": ("/operator/tenants/hooli/egress", {"allow": []}, "tenant/hooli"),
        "POST /operator/tenants/{tenant}/keys": (
            "/operator/tenants/hooli/keys", {"scopes": ["run"]}, "tenant/hooli/key/",
        ),
        "PUT /operator/tenants/{tenant}/keys/{key_id}/expiry": (
            f"/operator/tenants/hooli/keys/{theirs}/expiry", {"expires_in_days": 30}, f"tenant/hooli/key/{theirs}",
        ),
        "POST /operator/tenants/{tenant}/keys/{key_id}/rotate": (
            f"/operator/tenants/hooli/keys/{theirs}/rotate", {}, f"tenant/hooli/key/{theirs}",
        ),
        "DELETE /operator/tenants/{tenant}/keys/{key_id}": (
            f"/operator/tenants/hooli/keys/{theirs}", None, f"tenant/hooli/key/{theirs}",
        ),
        "DELETE /operator/tenants/{tenant}": ("/operator/tenants/hooli", None, "tenant/hooli"),
    }  # fmt: skip
    handlers = {name: handler for name, handler in operations(application).items() if name not in READS_ONLY}
    assert set(calls) == set(handlers)
    for name, (path, body, about) in calls.items():
        theirs_too = bool(handlers[name].opt.get(OPERATOR))
        caller = operator if theirs_too else acme
        answer = await caller.request(name.split()[0], path, json=body, headers={"X-Request-Id": "walk-1"})
        row = (await log_of(caller, "/operator/audit" if theirs_too else "/audit"))[0]
        assert row["action"] == handlers[name].opt[ACTION], name
        assert row["object"].startswith(about), (name, row)
        assert row["status"] == answer.status_code
        assert row["outcome"] == ("done" if answer.is_success else "refused"), name
        assert (row["request_id"], answer.headers["x-request-id"]) == ("walk-1", "walk-1")
        assert row["actor"]["kind"] == ("operator" if theirs_too else "key")
        assert row["address"]
    done = {
        each["action"]
        for each in await log_of(operator, "/operator/tenants/hooli/audit")
        if each["outcome"] == Outcome.DONE
    }
    assert done >= {"key.issue", "key.expire"}
    assert "key.expire" in {each["action"] for each in await log_of(acme) if each["outcome"] == Outcome.DONE}


async def test_what_the_operator_does_to_a_tenant_is_in_the_tenants_log(
    acme: httpx.AsyncClient, globex: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    assert (await operator.post("/operator/tenants/globex/keys", json={"scopes": ["read"]})).status_code == 201
    row = (await log_of(globex))[0]
    assert (row["actor"]["kind"], row["action"]) == ("operator", "key.issue")
    assert row["object"] not in {each["object"] for each in await log_of(acme)}


async def test_an_attempt_without_the_scope_and_one_that_is_refused_are_in_the_log(
    application: Litestar, database: Database, keys: Keyring, tenants: tuple[str, str], acme: httpx.AsyncClient
) -> None:
    issued = await TenantStore(database, keys).issue_key(tenants[0], "reader", scopes={KeyScope.READ})
    async with client(application, issued.secret) as reader:
        assert (await reader.delete("/templates/greeting")).status_code == 403
        assert (await reader.get("/audit")).status_code == 403
    row = (await log_of(acme))[0]
    assert (row["outcome"], row["status"], row["object"]) == ("denied", 403, "template/greeting")
    assert row["actor"] == {"kind": "key", "id": issued.key.id, "name": "reader"}
    assert (await acme.post("/workflows/start", json={"workflow_template": "missing"})).status_code == 404
    row = (await log_of(acme))[0]
    assert (row["outcome"], row["object"]) == ("refused", "template/missing")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_body_of_another_type_is_refused_and_in_the_log_as_that(
    acme: httpx.AsyncClient, content_type: str
) -> None:
    headers = {"X-Request-Id": f"type-{len(content_type)}", "Content-Type": content_type}
    answer = await acme.post("/templates/greeting/deactivate", content=b"{}", headers=headers)
    assert answer.status_code == 415
    row = (await log_of(acme))[0]
    assert (row["outcome"], row["status"], row["object"]) == ("refused", 415, "template/greeting")
    assert row["request_id"] == answer.headers["x-request-id"] == headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/templates", 401), ("/nowhere", 404), ("/livez", 200), ("/webhook/acme/nowhere", 404), ("/health", 200)],
)
async def test_every_answer_has_the_id_of_its_request(anonymous: httpx.AsyncClient, path: str, status: int) -> None:
    """Those without a key, of routes that are not there, and of workflows too."""
    given, made = [await anonymous.get(path, headers=each) for each in ({"X-Request-Id": "given-1"}, {})]
    assert (given.status_code, given.headers["x-request-id"]) == (status, "given-1")
    assert len(made.headers["x-request-id"]) == 36


async def test_a_mistake_of_the_service_is_in_the_log(acme: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise KeyError("inside")

    with monkeypatch.context() as patch:
        patch.setattr("service.templates.TemplateStore.deactivate", broken)
        assert (await acme.post("/templates/greeting/deactivate")).status_code == 500
    assert [(await log_of(acme))[0][name] for name in ("outcome", "status")] == ["failed", 500]


async def test_a_request_whose_row_cannot_be_written_is_answered_all_the_same(
    acme: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has had its effect: an error would make its client do it again."""

    async def away(*_: Any) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(AuditLog, "write", away)
    assert (await acme.post("/keys", json={"scopes": ["read"]})).status_code == 201


async def test_the_log_has_pages_without_gaps_or_doubles(acme: httpx.AsyncClient) -> None:
    for _ in range(5):
        await acme.post("/templates/none/deactivate")
    whole = [each["id"] for each in await log_of(acme)]
    paged: list[str] = []
    cursor = None
    for _ in range(200):
        page = (await acme.get("/audit", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        paged += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None or len(paged) >= 100:
            break
    assert paged[:100] == whole[: len(paged)][:100]


@pytest.mark.parametrize("cursor", ["x", "%00", "MjAyNnwx", "é", "MjAyNi0wMS0wMVQwMDowMDowMHx4"])
async def test_what_is_no_cursor_is_refused(acme: httpx.AsyncClient, cursor: str) -> None:
    assert (await acme.get("/audit", params={"cursor": cursor})).status_code == 400


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a\tb", "{}"])
async def test_a_request_id_that_would_mar_the_log_is_replaced(acme: httpx.AsyncClient, given: str) -> None:
    answer = await acme.get("/templates", headers={"X-Request-Id": given})
    assert answer.headers["x-request-id"] not in ("", given)


def record(tenant: str, **more: Any) -> AuditRecord:
    made: dict[str, Any] = {
        "tenant": tenant, "actor_kind": ActorKind.KEY, "actor": "k", "action": "a.b", "object": "o",
        "outcome": Outcome.DONE, "request_id": "r",
    }  # fmt: skip
    return AuditRecord(**made | more)


async def test_texts_that_postgres_cannot_store_are_written_all_the_same(
    database: Database, tenants: tuple[str, str]
) -> None:
    audit = AuditLog(database, timedelta(days=2))
    await audit.write(record(tenants[1], actor="\0\ud800", object="x" * 5000))
    row = (await audit.page(tenants[1], limit=1))[0].record
    assert (row.actor, len(row.object)) == ("\ufffd\ufffd", 1000)


async def test_a_record_of_a_tenant_that_does_not_exist_is_in_the_operators_log_alone(database: Database) -> None:
    audit = AuditLog(database, timedelta(days=2))
    for tenant in ("no_such_tenant", "no:tenant\0"):
        await audit.write(record(tenant, actor_kind=ActorKind.CLI, object=f"tenant/{tenant}"))
        assert (await audit.page("*", limit=1))[0].record.object.startswith("tenant/no")


def changing(statement: str) -> Callable[[Database, str], Awaitable[int]]:
    async def change(database: Database, tenant: str) -> int:
        async with database.tenant_transaction(tenant) as connection:
            return (await connection.execute(statement.encode(), (tenant,))).rowcount

    return change


async def test_the_application_can_neither_change_a_row_nor_delete_one_of_today(
    database: Database, tenants: tuple[str, str]
) -> None:
    audit = AuditLog(database, timedelta(days=2))
    await audit.write(record(tenants[1]))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await changing("update audit_log set actor = 'somebody else' where tenant_id = %s")(database, tenants[1])
    assert await changing("delete from audit_log where tenant_id = %s")(database, tenants[1]) == 0


async def test_a_row_goes_when_its_retention_is_over(
    embedded: EmbeddedProfile, database: Database, tenants: tuple[str, str]
) -> None:
    """With the next write, so that no log grows for ever; until then it is not shown any more."""
    audit, admin_url = AuditLog(database, timedelta(days=2)), embedded.addresses.database_admin_url
    await audit.write(record(tenants[1], object="old"))
    assert admin_url is not None
    async with await psycopg.AsyncConnection.connect(admin_url) as admin:
        await admin.execute("update audit_log set at = now() - interval '3 days' where object = 'old'")
        await admin.execute("update audit_log set at = now() - interval '1 day 1 hour' where object = 'x'")
    assert "old" not in [each.record.object for each in await audit.page(tenants[1], limit=100)]
    await audit.write(record(tenants[1]))
    async with database.tenant_transaction(tenants[1]) as connection:
        cursor = await connection.execute("select 1 from audit_log where object = 'old'")
        assert await cursor.fetchone() is None


async def test_the_command_line_leaves_its_rows_and_shows_them(
    embedded: EmbeddedProfile, operator: httpx.AsyncClient
) -> None:
    def verb(*arguments: str, text: str = "", code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments],
            env={**os.environ, **embedded.environment()}, capture_output=True, text=True, input=text, check=False,
            timeout=120,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done.stdout

    verb("tenants", "create", "piper")
    issued = verb("tenants", "key", "piper", "--scope", "read", "--scope", "run", "--name", "ci")
    assert issued.startswith("t8_piper_")
    first, id_ = (line.split()[0] for line in verb("tenants", "keys", "piper").splitlines())
    verb("tenants", "rotate", "piper", id_)
    verb("tenants", "rotate", "piper", id_, code=1)
    verb("tenants", "revoke", "piper", id_)
    verb("tenants", "key", "piper", "--scope", "root", code=2)
    verb("tenants", "create", "piper", "--no-key")
    verb("tenants", "key", "nobody", code=1)
    verb("variables", "set", "piper", "a", "1")
    verb("variables", "delete", "piper", "b", code=1)
    verb("credentials", "set", "piper", "httpHeaderAuth", "h", text='{"name": "n", "value": "s3cret-value"}')
    verb("keys", "status", "piper")
    verb("keys", "rotate", "piper")
    verb("keys", "rewrap", "piper")
    text = verb("audit", "piper", "--json")
    rows = [json.loads(line) for line in text.splitlines()]
    found = [(each["action"], each["object"], each["outcome"]) for each in reversed(rows)]
    assert found == [
        ("tenant.create", "tenant/piper", "done"),
        ("key.issue", f"key/{first}", "done"),
        ("key.issue", f"key/{id_}", "done"),
        ("key.rotate", f"key/{id_}", "done"),
        ("key.rotate", f"key/{id_}", "refused"),
        ("key.revoke", f"key/{id_}", "done"),
        ("tenant.create", "tenant/piper", "refused"),
        ("variable.set", "variable/a", "done"),
        ("variable.delete", "variable/b", "refused"),
        ("credential.set", "credential/httpHeaderAuth/h", "done"),
        ("data_key.rotate", "data_key/2", "done"),
        ("data_key.rewrap", "data_key/1-2", "done"),
    ]
    assert {each["actor_kind"] for each in rows} == {"cli"}
    assert "s3cret-value" not in text
    assert issued.strip() not in text
    theirs = [(each["action"], each["object"]) for each in await log_of(operator, "/operator/audit")]
    assert {("credential.set", "credential/httpHeaderAuth/h"), ("key.issue", "key")} <= set(theirs)
