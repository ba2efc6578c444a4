"""The reference server of the agents contract: token, one answer per key, and what it refuses."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.agents_service.app import AgentsService, create_agents_service
from api.agents_service.models import RunAnswer, RunRequest, Usage
from api.problems import Unavailable
from runtime.catalog import CATALOG

CONTRACT = Path(__file__).parents[3] / "docs" / "agents-service.openapi.json"
SLUG = "pricing_specialist"
TASK = {"request_id": "acme:t:1/Price/0/0", "agent": SLUG, "prompt": "Set a price.", "input": {"product": "bell"}}
TOKEN = "secret"
HEADERS = {"Authorization": f"Bearer {TOKEN}", "X-Tenant-Id": "acme", "Idempotency-Key": "k1"}

Client = Callable[..., httpx.AsyncClient]


class Model:
    """Counts tasks; the first `failures` fail."""

    def __init__(self, failures: int = 0, seconds: float = 0.0) -> None:
        self.tasks: list[str] = []
        self.failures, self.seconds = failures, seconds

    async def run(self, slug: str, request: RunRequest) -> RunAnswer:
        self.tasks.append(slug)
        await asyncio.sleep(self.seconds)
        if len(self.tasks) <= self.failures:
            raise Unavailable("model", "the model is busy")
        usage = Usage(model="m", input_tokens=3, output_tokens=2, duration_ms=1)
        return RunAnswer(output={"price": len(self.tasks), "of": request.input["product"]}, usage=usage)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """A client of a service with this model, token and number of open tasks."""
    opened: list[httpx.AsyncClient] = []

    def of(model: Model, token: str | None = TOKEN, open_tasks: int = 32) -> httpx.AsyncClient:
        application: Any = create_agents_service(AgentsService(CATALOG, model.run, open_tasks=open_tasks), token)
        opened.append(
            httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://service", headers=HEADERS)
        )
        return opened[-1]

    yield of
    for each in opened:
        await each.aclose()


def path(slug: str = SLUG) -> str:
    return f"/agents/{slug}/run"


async def test_a_key_is_answered_once(client: Client) -> None:
    """A repeated attempt, also one beside the first, gets the same answer; a key of another tenant is another key."""
    model = Model(seconds=0.05)
    service = client(model)
    first, beside = await asyncio.gather(service.post(path(), json=TASK), service.post(path(), json=TASK))
    later = await service.post(path(), json=TASK)
    assert first.json()["output"] == beside.json()["output"] == later.json()["output"] == {"price": 1, "of": "bell"}
    other = await service.post(path(), json=TASK, headers={"X-Tenant-Id": "globex"})
    assert other.json()["output"]["price"] == 2
    assert first.json()["usage"]["model"] == "m"
    assert len(model.tasks) == 2


async def test_a_failure_is_not_kept(client: Client) -> None:
    """After a 503 the same key is tried again."""
    service = client(Model(failures=1))
    refused = await service.post(path(), json=TASK)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
    assert (await service.post(path(), json=TASK)).status_code == 200


async def test_a_key_with_another_task_is_refused(client: Client) -> None:
    service = client(Model())
    await service.post(path(), json=TASK)
    answer = await service.post(path(), json={**TASK, "prompt": "Another."})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/idempotency-key-reused")


async def test_more_tasks_than_may_be_open_are_told_to_come_again(client: Client) -> None:
    service = client(Model(seconds=0.2), open_tasks=1)

    async def task(key: str) -> httpx.Response:
        return await service.post(path(), json=TASK, headers={"Idempotency-Key": key})

    answers = await asyncio.gather(task("a"), task("b"))
    assert sorted(each.status_code for each in answers) == [200, 429]
    assert [each.headers.get("retry-after") for each in answers if each.status_code == 429] == ["2"]


@pytest.mark.parametrize(
    ("slug", "change", "headers", "status"),
    [
        (SLUG, {}, {"Authorization": "Bearer wrong"}, 401),
        (SLUG, {}, {"Authorization": ""}, 401),
        (SLUG, {"agent": "copy_editor"}, {}, 400),
        (SLUG, {"input": "text"}, {}, 400),
        (SLUG, {}, {"Idempotency-Key": ""}, 400),
        ("pricing", {"agent": "pricing"}, {}, 404),
    ],
    ids=["wrong token", "no token", "agent differs from path", "input is no object", "no key", "unknown agent"],
)
async def test_bad_requests(client: Client, slug: str, change: Any, headers: Any, status: int) -> None:
    """Each is a problem with a detail, and no model is asked."""
    model = Model()
    answer = await client(model).post(path(slug), json={**TASK, **change}, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["detail"]
    assert model.tasks == []


async def test_health_and_contract_need_no_token(client: Client) -> None:
    service = client(Model())
    assert (await service.get("/health", headers={"Authorization": ""})).json() == {"status": "ok"}
    assert (await service.get("/openapi.json", headers={"Authorization": ""})).status_code == 200
    assert len((await service.get("/agents")).json()["items"]) == len(CATALOG.specialists())


async def test_without_a_token_anyone_may_call(client: Client) -> None:
    answer = await client(Model(), None).post(path(), json=TASK, headers={"Authorization": ""})
    assert answer.status_code == 200


def describe() -> dict[str, Any]:
    """The contract of today."""
    application = create_agents_service(AgentsService(CATALOG, Model().run), None)
    schema: dict[str, Any] = application.openapi_schema.to_schema()
    return schema


def test_the_contract_that_is_checked_in_is_up_to_date() -> None:
    """After a change: `python -m tests.unit.api.test_agents_service` writes it anew."""
    assert json.loads(CONTRACT.read_text(encoding="utf-8")) == describe()


if __name__ == "__main__":
    CONTRACT.write_text(json.dumps(describe(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
