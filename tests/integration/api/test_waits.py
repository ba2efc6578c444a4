"""Waits for a call: a link of the run resumes it, once, and no other link does."""

from typing import Any

import httpx
import pytest

from api.dependencies import Dependencies
from schemas.resume_link import token
from tests.exports import export, node, set_
from tests.service import ended, eventually

pytestmark = pytest.mark.usefixtures("worker")


def asking(path: str, **wait: Any) -> dict[str, Any]:
    """Answers its caller with the link, then waits for its use."""
    return export(
        "Asking",
        node("Hook", "webhook", 2, path=path, httpMethod="POST", responseMode="responseNode", options={}),
        node(
            "Give", "respondToWebhook", 1.1, respondWith="text", responseBody="={{ $execution.resumeUrl }}", options={}
        ),
        node("Wait", "wait", 1.1, resume="webhook", **wait),
        set_("After", answer="={{ $json.query.ok }}", body="={{ $json.body.text }}"),
    )


async def start_waiting(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, key: str, **wait: Any
) -> tuple[str, str]:
    """(link, workflow id) of a run that waits."""
    assert (await acme.post("/templates", params={"key": key}, json=asking(key, **wait))).status_code in (200, 201)
    answer = await anonymous.post(f"/webhook/acme/{key}", json={})
    assert answer.status_code == 200, answer.text
    link = answer.text
    workflow_id = link.split("/")[-2]

    async def waits() -> Any:
        status = (await acme.get(f"/workflows/{workflow_id}/status")).json()
        assert status["status"] == "running", status
        return ((status["progress"] or {}).get("active") or {}).get("waiting")

    await eventually(waits)
    return link, workflow_id


async def test_a_link_resumes_its_run_once(acme: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    link, run = await start_waiting(acme, anonymous, "asks")
    state = (await acme.get(f"/workflows/{run}/history")).json()["active"]
    assert (state["node"], state["reason"]) == ("Wait", {"kind": "call", "until": None, "workflow": None})
    answer = await anonymous.get(f"{link}?ok=yes")
    assert answer.status_code == 200, answer.text
    assert (await ended(acme, run))["status"] == "completed"
    result = (await acme.get(f"/workflows/{run}/result")).json()
    assert result["outputs"][0][0]["json"]["answer"] == "yes"
    again = await anonymous.get(f"{link}?ok=no")
    assert again.status_code == 409
    assert "has finished already" in again.json()["message"]


async def test_a_forged_link_has_no_effect_and_reveals_nothing(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, dependencies: Dependencies
) -> None:
    link, run = await start_waiting(acme, anonymous, "forged")
    stem, _, last = link.rpartition("/")
    secret = dependencies.links.of(run)["resume_secret"]
    for forged in (
        f"{stem}/0-{'0' * 32}",
        f"{stem}/1-{last[2:]}",
        f"{stem}/{last[:-1]}x",
        f"http://tempor8.test/webhook-waiting/acme:forged:other/0-{token(secret, 0)}",
        f"http://tempor8.test/webhook-waiting/globex:forged:{run.rpartition(':')[2]}/{last}",
    ):
        answer = await anonymous.get(forged)
        assert (answer.status_code, answer.json()["message"]) == (401, "Invalid token"), forged
    early = await anonymous.get(f"{stem}/1-{token(secret, 1)}")
    assert early.status_code == 409, "the link of a wait that has not begun"
    assert (await acme.get(f"/workflows/{run}/status")).json()["progress"]["active"]["waiting"]
    assert (await anonymous.get(link)).status_code == 200


async def test_method_suffix_and_authentication_of_the_wait_hold(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    link, run = await start_waiting(acme, anonymous, "guarded", httpMethod="POST", options={"webhookSuffix": "yes"})
    assert (await anonymous.get(f"{link}/yes")).status_code == 404
    assert (await anonymous.post(link)).status_code == 404
    assert (await anonymous.post(f"{link}/yes", json={"text": "hello"})).status_code == 200
    await ended(acme, run)
    result = (await acme.get(f"/workflows/{run}/result")).json()
    assert result["outputs"][0][0]["json"]["body"] == "hello"


async def test_the_caller_who_resumes_can_get_the_result(acme: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    link, _ = await start_waiting(acme, anonymous, "answers", responseMode="lastNode")
    answer = await anonymous.get(f"{link}?ok=sure")
    assert answer.json()["answer"] == "sure"


async def test_a_wait_whose_time_is_up_goes_on_and_its_link_is_dead(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    limited = {"limitWaitTime": True, "resumeAmount": 1, "resumeUnit": "seconds"}
    assert (await acme.post("/templates", params={"key": "late"}, json=asking("late", **limited))).status_code == 201
    link = (await anonymous.post("/webhook/acme/late", json={})).text
    run = link.split("/")[-2]
    assert (await ended(acme, run))["status"] == "completed"
    assert (await anonymous.get(link)).status_code == 409


async def test_each_turn_of_a_loop_has_a_link_of_its_own(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, dependencies: Dependencies
) -> None:
    workflow = export(
        "Turns", node("Start", "manualTrigger"), node("Loop", "splitInBatches", 3, batchSize=1, options={}),
        node("Wait", "wait", 1.1, resume="webhook"),
    )  # fmt: skip
    workflow["connections"]["Loop"] = {"main": [[], [{"node": "Wait", "type": "main", "index": 0}]]}
    workflow["connections"]["Wait"] = {"main": [[{"node": "Loop", "type": "main", "index": 0}]]}
    assert (await acme.post("/templates", params={"key": "turns"}, json=workflow)).status_code == 201
    body = {"workflow_template": "turns", "input_data": [{"n": 1}, {"n": 2}]}
    run = (await acme.post("/workflows/start", json=body)).json()["workflow_id"]
    secret = dependencies.links.of(run)["resume_secret"]
    links = [f"/webhook-waiting/{run}/{n}-{token(secret, n)}" for n in range(2)]

    for link in links:

        async def resumed(link: str = link) -> Any:
            return (await anonymous.get(link)).status_code == 200

        await eventually(resumed)
        assert (await anonymous.get(link)).status_code == 409
    assert (await ended(acme, run))["status"] == "completed"


async def test_calls_are_waited_for_side_by_side_where_the_workflow_lets_waits_overlap(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, dependencies: Dependencies
) -> None:
    """Each wait has a link of its own, known before it begins; they are used in any order, once."""
    workflow = export(
        "Beside", node("Start", "manualTrigger"), set_("Link A", a="={{ $execution.resumeUrl }}"),
        node("A", "wait", 1.1, resume="webhook"), set_("Link B", b="={{ $execution.resumeUrl }}"),
        node("B", "wait", 1.1, resume="webhook"),
        set_("After A", got="=A {{ $json.query.n }}, {{ $('Link A').first().json.a }}"),
        set_("After B", got="=B {{ $json.query.n }}, {{ $('Link B').first().json.b }}"),
        node("Both", "merge", 3, mode="append"), settings={"tempor8": {"overlappingWaits": True}},
    )  # fmt: skip

    for each in workflow["nodes"]:
        each["position"] = [0, 200 * ("B" in each["name"])]

    def to(*targets: tuple[str, int]) -> dict[str, Any]:
        return {"main": [[{"node": name, "type": "main", "index": slot} for name, slot in targets]]}

    workflow["connections"] = {
        "Start": to(("Link A", 0), ("Link B", 0)), "Link A": to(("A", 0)), "Link B": to(("B", 0)),
        "A": to(("After A", 0)), "B": to(("After B", 0)), "After A": to(("Both", 0)), "After B": to(("Both", 1)),
    }  # fmt: skip
    assert (await acme.post("/templates", params={"key": "beside"}, json=workflow)).status_code == 201
    run = (await acme.post("/workflows/start", json={"workflow_template": "beside", "input_data": [{}]})).json()[
        "workflow_id"
    ]
    secret = dependencies.links.of(run)["resume_secret"]
    links = [f"/webhook-waiting/{run}/{n}-{token(secret, n)}" for n in range(2)]

    async def both_stand() -> Any:
        steps = (await acme.get(f"/workflows/{run}/history")).json()["steps"]
        return [each["node"] for each in steps] == ["Start", "Link A", "Link B"]

    await eventually(both_stand)
    active = (await acme.get(f"/workflows/{run}/status")).json()["progress"]["active"]
    assert (active["node"], active["waiting"]) == ("A", True)

    assert (await anonymous.get(f"{links[1]}?n=2")).status_code == 200
    assert (await anonymous.get(f"{links[1]}?n=3")).status_code == 409
    assert (await anonymous.get(f"{links[0]}?n=1")).status_code == 200
    assert (await ended(acme, run))["status"] == "completed"
    outputs = (await acme.get(f"/workflows/{run}/result")).json()["outputs"]
    state = [item["json"]["got"] for item in outputs[0]]
    assert [each.partition("/webhook-waiting")[0][:4] for each in state] == ["A 1,", "B 2,"]
    assert [state[i].endswith(link) for i, link in enumerate(links)] == [True, True]
