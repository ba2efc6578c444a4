"""Specialists over the API: their list, and what their work on the agents service adds to the metrics."""

from typing import Any

import httpx
import pytest

from runtime.hosts.temporal.capabilities.models import WorkerModels
from runtime.platform.embedded.fake_vendor import RecordedRequest, StandIn
from tests.service import ended, eventually, started
from tests.unit.agents.world import model, node, workflow


async def test_agents_are_listed_and_shown(acme: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    listed = (await acme.get("/agents")).json()["items"]
    assert len(listed) == 44
    assert [each["slug"] for each in listed] == sorted(each["slug"] for each in listed)
    sales = (await acme.get("/agents", params={"category": "sales"})).json()["items"]
    assert {each["category"] for each in sales} == {"sales"}
    shown = (await acme.get("/agents/lead_qualification_specialist")).json()
    assert shown["category"] == "sales"
    assert shown["input_schema"]["required"] == ["email", "message"]
    assert set(shown["example"]["output"]) == set(shown["output_schema"]["required"])
    assert (await anonymous.get("/agents")).status_code == 401


async def test_an_unknown_agent_names_the_nearest(acme: httpx.AsyncClient) -> None:
    answer = await acme.get("/agents/lead_qualificaton_specialist")
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (404, "/problems/unknown-agent")
    assert "lead_qualification_specialist" in problem["detail"]
    assert problem["similar"][0] == "lead_qualification_specialist"
    assert (await acme.get("/agents", params={"category": "cooking"})).status_code == 400


class AgentsService(StandIn):
    """Busy at first, then it answers with a model that has a price."""

    def answer(self, request: RecordedRequest) -> tuple[int, Any]:
        self.requests.append(request)
        if len(self.requests) == 1:
            return 503, {"error": "busy"}
        usage = {"model": "gpt-4o-mini", "input_tokens": 1_000_000, "output_tokens": 0, "duration_ms": 1500}
        return 200, {"output": {"price": 12}, "usage": usage}


@pytest.mark.usefixtures("published")
async def test_an_agents_service_is_asked_again_on_temporal_and_counted(
    acme: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second attempt has the key of the first; metrics have both requests, one failure, and the list price."""
    agent = node(
        "Price", "agent", 2.2, {"promptType": "define", "text": "Set a price."}, notes="agent: pricing_specialist"
    )
    export = workflow(agent, (model(), "ai_languageModel"))
    assert (await acme.post("/templates", params={"key": "priced"}, json=export)).status_code == 201
    with AgentsService() as service:
        addresses = {"agents": service.url}
        monkeypatch.setattr(WorkerModels, "_address", lambda _, name: addresses.get(name))
        run = await started(acme, "priced", {"product": "bell"})
        status = await ended(acme, run)
    assert status["status"] == "completed", status
    first, second = service.requests
    assert first.key() == second.key() is not None
    assert first.headers["x-tenant-id"] == second.headers["x-tenant-id"]
    assert second.body["input"] == {"product": "bell"}
    assert "confidence" in second.body["output_schema"]["properties"]

    async def counted() -> Any:
        agents = {each["agent"]: each for each in (await acme.get("/metrics")).json()["agents"]}
        return agents.get("pricing_specialist")

    figures = await eventually(counted)
    assert (figures["requests"], figures["failed"], figures["success_rate"]) == (2, 1, 0.5)
    assert (figures["input_tokens"], figures["cost_usd"], figures["busy_ms"]) == (1_000_000, 0.15, 1500)
    text = (await acme.get("/metrics", headers={"accept": "text/plain"})).text
    assert 'tempor8_tenant_agent_cost_usd{agent="pricing_specialist"} 0.15' in text
