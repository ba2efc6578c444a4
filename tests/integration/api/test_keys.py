"""API keys by REST: issue, rotate with an overlap, last use, revoke; and tenants under the operator's key."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from litestar import Litestar

from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database, DatabaseUnavailable
from service.key_uses import KeyUses
from service.tenants import TenantStore
from tests.service import client

pytestmark = pytest.mark.usefixtures("published")


@pytest.fixture(autouse=True)
def _uncached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are looked up each time: the notices of this process may still be under way."""
    monkeypatch.setattr("api.authentication.KEY_CACHE_SECONDS", 0.0)


async def issued(caller: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await caller.post("/keys", json={"name": "made", "scopes": ["read"], **body})
    assert answer.status_code == 201, answer.text
    key: dict[str, Any] = answer.json()
    return key


async def listed(caller: httpx.AsyncClient, id_: str) -> dict[str, Any]:
    items: list[dict[str, Any]] = (await caller.get("/keys")).json()["items"]
    return next(each for each in items if each["id"] == id_)


async def status_of(application: Litestar, key: str) -> int:
    async with client(application, key) as caller:
        return (await caller.get("/templates")).status_code


async def test_a_key_is_shown_once_and_does_what_its_scopes_say(acme: httpx.AsyncClient, application: Litestar) -> None:
    key = await issued(acme, scopes=["run", "read"], expires_in_days=2)
    assert re.fullmatch(r"t8_acme_[0-9a-f]{48}", key["key"])
    assert await status_of(application, key["key"]) == 200
    seen = await listed(acme, key["id"])
    assert key["key"] not in str(seen)
    assert {name: value for name, value in key.items() if name != "key"} == seen
    assert seen["scopes"] == ["read", "run"]
    left = datetime.fromisoformat(seen["expires_at"]) - datetime.fromisoformat(seen["created_at"])
    assert left == timedelta(days=2)


@pytest.mark.parametrize(
    "body",
    [
        {"scopes": []},
        {},
        {"scopes": ["root"]},
        {"scopes": ["read"], "expires_in_days": 0},
        {"scopes": ["read"], "name": "a\x00b"},
        {"scopes": ["read"], "tenant_id": "globex"},
    ],
)
async def test_a_key_that_makes_no_sense_is_not_issued(acme: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await acme.post("/keys", json=body)).status_code == 400


async def test_a_rotated_key_works_for_the_overlap_and_the_new_one_is_like_it(
    acme: httpx.AsyncClient, application: Litestar
) -> None:
    old = await issued(acme, scopes=["read", "publish"], expires_in_days=30)
    answer = await acme.post(f"/keys/{old['id']}/rotate", json={"overlap_seconds": 3600})
    assert answer.status_code == 201
    new = answer.json()
    assert [new[name] for name in ("name", "scopes")] == [old[name] for name in ("name", "scopes")]
    assert new["key"] != old["key"]
    assert (await status_of(application, old["key"]), await status_of(application, new["key"])) == (200, 200)
    before, after = await listed(acme, old["id"]), await listed(acme, new["id"])
    assert before["replaced_by"] == new["id"]
    assert datetime.fromisoformat(before["expires_at"]) < datetime.now(UTC) + timedelta(hours=1)
    assert datetime.fromisoformat(after["expires_at"]) > datetime.now(UTC) + timedelta(days=29)
    again = await acme.post(f"/keys/{old['id']}/rotate", json={})
    assert again.status_code == 409
    assert new["id"] in again.json()["detail"]


async def test_a_rotation_without_overlap_ends_the_old_key(acme: httpx.AsyncClient, application: Litestar) -> None:
    old = await issued(acme)
    assert await status_of(application, old["key"]) == 200
    assert (await acme.post(f"/keys/{old['id']}/rotate", json={"overlap_seconds": 0})).status_code == 201
    assert await status_of(application, old["key"]) == 401


async def test_an_overlap_does_not_lengthen_the_life_of_a_key(acme: httpx.AsyncClient) -> None:
    old = await issued(acme, expires_in_days=1)
    assert (await acme.post(f"/keys/{old['id']}/rotate", json={"overlap_seconds": 30 * 86_400})).status_code == 201
    assert (await listed(acme, old["id"]))["expires_at"] == old["expires_at"]


async def test_a_revoked_key_is_refused_and_cannot_be_rotated(acme: httpx.AsyncClient, application: Litestar) -> None:
    key = await issued(acme)
    assert (await acme.delete(f"/keys/{key['id']}")).status_code == 204
    assert await status_of(application, key["key"]) == 401
    assert (await acme.post(f"/keys/{key['id']}/rotate", json={})).status_code == 409
    assert (await acme.delete(f"/keys/{key['id']}")).status_code == 404


async def test_keys_of_another_tenant_do_not_exist(acme: httpx.AsyncClient, globex: httpx.AsyncClient) -> None:
    key = await issued(acme)
    assert (await globex.delete(f"/keys/{key['id']}")).status_code == 404
    assert (await globex.post(f"/keys/{key['id']}/rotate", json={})).status_code == 404
    assert key["id"] not in (await globex.get("/keys")).text
    assert (await listed(acme, key["id"]))["revoked_at"] is None


@pytest.mark.parametrize("id_", ["0", "%00", "'", "a" * 64])
async def test_what_is_no_key_is_not_found(acme: httpx.AsyncClient, id_: str) -> None:
    for answer in (await acme.delete(f"/keys/{id_}"), await acme.post(f"/keys/{id_}/rotate", json={})):
        assert answer.status_code in (400, 404)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_the_last_use_of_keys_is_written_once_for_many_requests(
    database: Database, keys: Keyring, tenants: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = TenantStore(database, keys)
    busy, idle = (await store.issue_key(tenants[0], "busy")).key, (await store.issue_key(tenants[0], "idle")).key
    uses, writes = KeyUses(store), 0
    note_uses = TenantStore.note_uses

    async def counted(self: TenantStore, tenant: str, each: dict[str, datetime]) -> None:
        nonlocal writes
        writes += 1
        await note_uses(self, tenant, each)

    monkeypatch.setattr(TenantStore, "note_uses", counted)
    for _ in range(1000):
        uses.note(tenants[0], busy.id)
    await uses.write()
    await uses.write()
    assert writes == 1
    seen = {each.id: each.last_used_at for each in await store.keys(tenants[0])}
    assert seen[busy.id] is not None
    assert seen[idle.id] is None


async def test_a_use_that_could_not_be_written_is_written_later(
    database: Database, keys: Keyring, tenants: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of an older request does not take the place of a newer one that another process wrote."""
    store = TenantStore(database, keys)
    key = (await store.issue_key(tenants[0], "patient")).key
    uses = KeyUses(store)
    uses.note(tenants[0], key.id)

    async def away(*_: Any) -> None:
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(TenantStore, "note_uses", away)
        with pytest.raises(DatabaseUnavailable):
            await uses.write()
    newer = datetime.now(UTC) + timedelta(hours=1)
    await store.note_uses(tenants[0], {key.id: newer})
    await uses.write()
    assert next(each for each in await store.keys(tenants[0]) if each.id == key.id).last_used_at == newer


async def test_an_operator_makes_a_tenant_with_a_key_and_deletes_it(
    operator: httpx.AsyncClient, application: Litestar
) -> None:
    made = await operator.post("/operator/tenants", json={"id": "initech", "name": "Initech"})
    assert made.status_code == 201, made.text
    assert made.json()["egress_allow"] == []
    assert (await operator.post("/operator/tenants", json={"id": "initech"})).status_code == 409
    key = (await operator.post("/operator/tenants/initech/keys", json={"scopes": ["read"]})).json()
    assert await status_of(application, key["key"]) == 200
    new = (await operator.post(f"/operator/tenants/initech/keys/{key['id']}/rotate", json={})).json()
    assert (await operator.delete(f"/operator/tenants/initech/keys/{key['id']}")).status_code == 204
    assert await status_of(application, key["key"]) == 401
    opened = await operator.put("/operator/tenants/initech/egress", json={"allow": ["10.1.0.0/16"]})
    assert opened.json()["egress_allow"] == ["10.1.0.0/16"]
    items = (await operator.get("/operator/tenants/initech/keys")).json()["items"]
    assert [each["id"] for each in items] == [key["id"], new["id"]]
    assert (await operator.delete("/operator/tenants/initech")).status_code == 202
    assert await status_of(application, new["key"]) == 401
    assert (await operator.post("/operator/tenants/initech/keys", json={"scopes": ["read"]})).status_code in (404, 409)


@pytest.mark.parametrize("id_", ["a:b", "*", "..", "a/b", "a\x00", "a\n", " ", "-a", "a" * 64, ""])
async def test_a_text_that_is_no_tenants_id_makes_no_tenant(operator: httpx.AsyncClient, id_: str) -> None:
    assert (await operator.post("/operator/tenants", json={"id": id_})).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/operator/tenants/nobody", None),
        ("DELETE", "/operator/tenants/nobody", None),
        ("PUT", "/operator/tenants/nobody/egress", {"allow": []}),
        ("POST", "/operator/tenants/nobody/keys", {"scopes": ["read"]}),
        ("DELETE", "/operator/tenants/nobody/keys/0", None),
        ("POST", "/operator/tenants/nobody/keys/0/rotate", {}),
    ],
)
async def test_a_tenant_that_does_not_exist_is_not_found(
    operator: httpx.AsyncClient, method: str, path: str, body: dict[str, Any] | None
) -> None:
    answer = await operator.request(method, path, json=body)
    assert answer.status_code == 404, answer.text


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "http://", ""])
async def test_a_malformed_address_opens_nothing(operator: httpx.AsyncClient, entry: str) -> None:
    assert (await operator.put("/operator/tenants/acme/egress", json={"allow": [entry]})).status_code == 400


async def test_a_key_expires_when_it_is_told_to_and_no_other_key_can_be_told(
    acme: httpx.AsyncClient, globex: httpx.AsyncClient, application: Litestar
) -> None:
    key = await issued(acme)
    path = f"/keys/{key['id']}/expiry"
    shown = await acme.put(path, json={"expires_in_days": 3})
    left = datetime.fromisoformat(shown.json()["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=2) < left <= timedelta(days=3)
    assert (await acme.put(path, json={"expires_in_days": None})).json()["expires_at"] is None
    assert (await globex.put(path, json={"expires_in_days": 0})).status_code == 404
    assert await status_of(application, key["key"]) == 200
    for body in ({}, {"expires_in_days": -1}, {"expires_in_days": 4000}, {"expires_in_days": "soon"}):
        assert (await acme.put(path, json=body)).status_code == 400, body
    assert (await acme.put(path, json={"expires_in_days": 0})).status_code == 200
    assert await status_of(application, key["key"]) == 401
    assert (await acme.put(path, json={"expires_in_days": 9})).status_code == 404, "an expired key stays expired"


async def test_the_operator_counts_what_a_tenant_has_and_sets_when_its_keys_expire(
    operator: httpx.AsyncClient, acme: httpx.AsyncClient
) -> None:
    counted = await operator.get("/operator/tenants/acme/contents")
    assert counted.status_code == 200, counted.text
    rows = counted.json()["rows"]
    assert rows["templates"] == len(
        [each for each in (await acme.get("/templates")).json()["items"] if not each["shared"]]
    )
    assert rows["keys"] >= 1
    assert not counted.json()["at_least"]
    assert (await operator.get("/operator/tenants/nobody/contents")).status_code == 404
    assert (await acme.get("/operator/tenants/acme/contents")).status_code == 401
    key = await issued(acme)
    path = f"/operator/tenants/acme/keys/{key['id']}/expiry"
    assert (await operator.put(path, json={"expires_in_days": 1})).json()["expires_at"]
    log = (await operator.get("/operator/tenants/acme/audit")).json()["items"]
    assert (log[0]["action"], log[0]["object"]) == ("key.expire", f"tenant/acme/key/{key['id']}")
