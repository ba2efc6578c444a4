"""Triggers at vendors: registered when activated, removed when deactivated, registered again when the vendor lost them."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from api.dependencies import Dependencies
from runtime.catalog import CATALOG
from runtime.contract import HttpResponse
from runtime.hosts.temporal.capabilities.http import WorkerHttp
from runtime.hosts.temporal.registrar import MAX_REMOVALS, Registrar
from runtime.hosts.temporal.resources import WorkerResources
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from service.registration_store import RegistrationStore
from tests.exports import export, node, set_
from tests.service import eventually

pytestmark = pytest.mark.usefixtures("worker")

BASE = "https://automation.example.com"
TOKEN = "111:AAA-test"


class Telegram:
    """A bot's side of the API: it keeps one webhook."""

    def __init__(self) -> None:
        self.webhook: dict[str, Any] = {}
        self.asked: list[str] = []
        self.away = False

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """Answer as api.telegram.org does."""
        del method
        call = url.rpartition("/")[2]
        self.asked.append(call)
        if self.away:
            return self._answer(url, 502, {"ok": False, "description": "Bad Gateway"})
        if call == "setWebhook":
            self.webhook = json.loads(options["content"])
        if call == "deleteWebhook":
            self.webhook = {}
        return self._answer(url, 200, {"ok": True, "result": {"url": self.webhook.get("url", "")}})

    def _answer(self, url: str, status: int, body: dict[str, Any]) -> HttpResponse:
        return HttpResponse(status, "", [("content-type", "application/json")], json.dumps(body).encode(), url)


@pytest.fixture
def telegram(monkeypatch: pytest.MonkeyPatch) -> Telegram:
    """What the worker's requests reach."""
    made = Telegram()
    monkeypatch.setattr(WorkerHttp, "request", lambda _self, *args, **options: made.request(*args, **options))
    return made


@pytest.fixture
async def registrar(service: Settings, dependencies: Dependencies) -> AsyncIterator[Registrar]:
    """The loop of a worker whose address is known, turned by hand."""
    resources = WorkerResources.of(service, dependencies.database, dependencies.credentials, dependencies.blobs)
    assert service.database_url is not None
    url = service.database_url.get_secret_value()
    made = Registrar(dependencies.database, resources.capabilities(), CATALOG, BASE, url)
    yield made
    await made.close()
    await resources.close()


def bot(key: str, **fields: Any) -> dict[str, Any]:
    """A workflow that a bot starts."""
    trigger = node("Bot", "telegramTrigger", 1.2, updates=["message"], additionalFields=fields)
    trigger |= {"webhookId": f"hook-{key}", "credentials": {"telegramApi": {"id": "bot", "name": "bot"}}}
    return export(key, trigger, set_("Text", text="={{ $json.message.text }}"))


async def publish(acme: httpx.AsyncClient, dependencies: Dependencies, key: str) -> None:
    await dependencies.credentials.put("acme", "telegramApi", "bot", {"accessToken": TOKEN})
    assert (await acme.post("/templates", params={"key": key}, json=bot(key))).status_code == 201


async def due_again(database: Database, key: str) -> None:
    """Make the rows of a template as old as those that are looked at."""
    async with database.tenant_transaction("acme") as connection:
        await connection.execute(
            "update trigger_registrations set checked_at = now() - interval '1 day', next_try = null"
            " where tenant_id = 'acme' and template_key = %s",
            (key,),
        )
        await connection.execute("update registration_tenants set due_at = now() where tenant_id = 'acme'")


async def test_a_published_bot_is_registered_receives_and_is_removed(
    acme: httpx.AsyncClient,
    anonymous: httpx.AsyncClient,
    dependencies: Dependencies,
    registrar: Registrar,
    telegram: Telegram,
) -> None:
    """setWebhook with our address and a secret that nobody can guess; a delivery with it is a run, any other is none."""
    await publish(acme, dependencies, "bot")
    await registrar.apply()
    assert telegram.asked == ["getWebhookInfo", "setWebhook"]
    assert telegram.webhook["url"] == f"{BASE}/webhook/acme/hook-bot/webhook"
    assert telegram.webhook["allowed_updates"] == ["message"]
    secret = telegram.webhook["secret_token"]
    assert len(secret) > 30

    update = {"update_id": 1, "message": {"text": "Hello", "chat": {"id": 5}, "from": {"id": 6}}}
    path = "/webhook/acme/hook-bot/webhook"
    forged = await anonymous.post(path, json=update, headers={"x-telegram-bot-api-secret-token": "wrong"})
    assert (forged.status_code, forged.json()) == (403, {"message": "Provided secret is not valid"})
    assert (await anonymous.post(path, json=update)).status_code == 403
    delivered = await anonymous.post(path, json=update, headers={"x-telegram-bot-api-secret-token": secret})
    assert delivered.status_code == 200

    async def only() -> Any:
        runs = (await acme.get("/workflows", params={"template": "bot"})).json()["items"]
        return runs if [run["status"] for run in runs] == ["completed"] else None

    (run,) = await eventually(only)
    result = (await acme.get(f"/workflows/{run['workflow_id']}/result")).json()
    assert [each["json"]["text"] for each in result["outputs"][0]] == ["Hello"]

    assert (await acme.post("/templates/bot/deactivate")).status_code == 200
    await registrar.apply()
    assert telegram.asked[-1] == "deleteWebhook"
    assert not telegram.webhook
    assert not await RegistrationStore(dependencies.database).of_template("acme", "bot")
    assert (await anonymous.post(path, json=update)).status_code == 404


async def test_a_webhook_that_the_vendor_lost_is_registered_again(
    acme: httpx.AsyncClient, dependencies: Dependencies, registrar: Registrar, telegram: Telegram
) -> None:
    """Under the same address with the same secret; a look that finds it changes nothing."""
    await publish(acme, dependencies, "lost")
    await registrar.apply()
    before = dict(telegram.webhook)
    await due_again(dependencies.database, "lost")
    await registrar.apply()
    assert telegram.asked == ["getWebhookInfo", "setWebhook", "getWebhookInfo"]
    telegram.webhook = {"url": "https://elsewhere.example.com"}
    await due_again(dependencies.database, "lost")
    await registrar.apply()
    assert telegram.webhook == before
    await acme.post("/templates/lost/deactivate")
    await registrar.apply()


async def test_the_error_of_a_vendor_is_kept_and_tried_again(
    acme: httpx.AsyncClient, dependencies: Dependencies, registrar: Registrar, telegram: Telegram
) -> None:
    """What the vendor said is in the row, without the token; a removal is given up after some tries."""
    store = RegistrationStore(dependencies.database)
    telegram.away = True
    await publish(acme, dependencies, "away")
    await registrar.apply()
    (row,) = await store.of_template("acme", "away")
    assert row.error
    assert TOKEN not in row.error
    assert row.applied is None
    telegram.away = False
    await due_again(dependencies.database, "away")
    await registrar.apply()
    (row,) = await store.of_template("acme", "away")
    assert (row.error, row.attempts, row.applied_digest) == (None, 0, row.wanted_digest)
    telegram.away = True
    await acme.post("/templates/away/deactivate")
    for _ in range(MAX_REMOVALS + 1):
        await due_again(dependencies.database, "away")
        await registrar.apply()
    assert not await store.of_template("acme", "away")


async def test_a_changed_trigger_is_registered_anew_and_an_equal_one_is_left_alone(
    acme: httpx.AsyncClient, dependencies: Dependencies, registrar: Registrar, telegram: Telegram
) -> None:
    """A new version with the same trigger asks the vendor nothing."""
    await publish(acme, dependencies, "change")
    await registrar.apply()
    secret = telegram.webhook["secret_token"]
    other = bot("change")
    other["nodes"][1]["parameters"] = {"assignments": {}}
    assert (await acme.post("/templates", params={"key": "change"}, json=other)).status_code == 201
    await registrar.apply()
    assert telegram.asked == ["getWebhookInfo", "setWebhook"]
    assert (await acme.post("/templates", params={"key": "change"}, json=bot("change", chatIds="5"))).status_code == 201
    await registrar.apply()
    assert telegram.asked[2:] == ["deleteWebhook", "getWebhookInfo", "setWebhook"]
    assert telegram.webhook["secret_token"] != secret
    await acme.post("/templates/change/deactivate")
    await registrar.apply()


async def test_without_a_public_address_the_reason_is_told(
    acme: httpx.AsyncClient, dependencies: Dependencies, service: Settings, telegram: Telegram
) -> None:
    """Nothing is sent to the vendor: it could not deliver anyway."""
    await publish(acme, dependencies, "nowhere")
    resources = WorkerResources.of(service, dependencies.database, dependencies.credentials, dependencies.blobs)
    assert service.database_url is not None
    url = service.database_url.get_secret_value()
    registrar = Registrar(dependencies.database, resources.capabilities(), CATALOG, None, url)
    await registrar.apply()
    await registrar.close()
    (row,) = await RegistrationStore(dependencies.database).of_template("acme", "nowhere")
    assert "TEMPOR8_PUBLIC_URL" in (row.error or "")
    assert not telegram.asked
    await acme.post("/templates/nowhere/deactivate")
    await resources.close()


async def test_the_owner_reads_what_is_registered_and_what_the_vendor_said(
    acme: httpx.AsyncClient, dependencies: Dependencies, registrar: Registrar, telegram: Telegram
) -> None:
    """Before the vendor was asked, after its error and once it agreed; never the secret of the deliveries."""
    telegram.away = True
    await publish(acme, dependencies, "read")
    await registrar.apply()
    (item,) = (await acme.get("/templates/read/registrations")).json()["items"]
    assert (item["node"], item["registered"]) == ("Bot", False)
    words = (
        "Telegram: could not register the webhook (HTTP 502): Bad gateway - the service failed to handle your request:"
        " Bad Gateway. It is tried again by itself, later each time."
    )
    assert item["error"] == words
    listed = {each["key"]: each for each in (await acme.get("/templates")).json()["items"]}
    assert listed["read"]["registration_errors"] == [words]
    telegram.away = False
    await due_again(dependencies.database, "read")
    await registrar.apply()
    answer = await acme.get("/templates/read/registrations")
    (item,) = answer.json()["items"]
    assert (item["registered"], item["error"]) == (True, None)
    assert telegram.webhook["secret_token"] not in answer.text
    listed = {each["key"]: each for each in (await acme.get("/templates")).json()["items"]}
    assert listed["read"]["registration_errors"] == []
    await acme.post("/templates/read/deactivate")
    assert (await acme.get("/templates/read/registrations")).json()["items"] == []
    await registrar.apply()


async def test_a_changed_public_address_moves_the_webhook(
    acme: httpx.AsyncClient,
    dependencies: Dependencies,
    service: Settings,
    registrar: Registrar,
    telegram: Telegram,
) -> None:
    """The first look after it registers the webhook under the new address."""
    await publish(acme, dependencies, "moved")
    await registrar.apply()
    resources = WorkerResources.of(service, dependencies.database, dependencies.credentials, dependencies.blobs)
    assert service.database_url is not None
    other = Registrar(
        dependencies.database,
        resources.capabilities(),
        CATALOG,
        "https://new.example.com",
        service.database_url.get_secret_value(),
    )
    await due_again(dependencies.database, "moved")
    await other.apply()
    assert telegram.webhook["url"] == "https://new.example.com/webhook/acme/hook-moved/webhook"
    await acme.post("/templates/moved/deactivate")
    await other.apply()
    await other.close()
    await resources.close()
