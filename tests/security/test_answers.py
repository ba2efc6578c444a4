"""What workflows answer cannot be forged or speak for the service, on every way from a workflow to a browser."""

import json
from typing import Any, Final

import httpx
import pytest
from litestar import Litestar

from api.dependencies import Dependencies
from api.triggers.reply_headers import SANDBOX
from tests.exports import export, node, set_
from tests.service import application_with, client, ended, eventually

pytestmark = pytest.mark.usefixtures("published")

FORGED: Final = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno"


async def publish(acme: httpx.AsyncClient, key: str, *nodes: dict[str, Any]) -> None:
    answer = await acme.post("/templates", params={"key": key, "allow_unsupported": "true"}, json=export(key, *nodes))
    assert answer.status_code in (200, 201), answer.text


def hook(path: str, mode: str = "responseNode", **options: Any) -> dict[str, Any]:
    return node("Hook", "webhook", 2, path=path, httpMethod="POST", responseMode=mode, options=options)


def respond(text: str = FORGED, **options: Any) -> dict[str, Any]:
    return node("Respond", "respondToWebhook", 1.1, respondWith="text", responseBody=text, options=options)


def headers_(**named: str) -> dict[str, Any]:
    return {"entries": [{"name": name.replace("_", "-"), "value": value} for name, value in named.items()]}


@pytest.mark.parametrize("code", [100, 101, 103, -1, 600, 999, 1000])
async def test_a_status_that_forges_an_answer_is_a_500_and_the_run_is_kept(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, code: int
) -> None:
    key = f"forged{code}"
    await publish(acme, key, hook(key), respond(responseCode=code), set_("After", done="y"))
    answer = await anonymous.post(f"/webhook/acme/{key}", json={})
    assert answer.status_code == 500
    assert answer.json()["message"].startswith("Invalid status code")

    async def listed() -> Any:
        return (await acme.get("/workflows", params={"template": key})).json()["items"]

    run = (await eventually(listed))[0]["workflow_id"]
    assert (await ended(acme, run))["status"] == "completed"


async def test_a_bad_option_of_the_webhook_is_refused_before_a_run_begins(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    bad = {
        "status": {"responseCode": {"values": {"responseCode": "customCode", "customCode": 100}}},
        "header": {"responseHeaders": headers_(x_a="a\r\nb: c")},
    }
    for name, options in bad.items():
        for mode in ("onReceived", "lastNode"):
            key = f"bad-{name}-{mode}".lower()
            await publish(acme, key, hook(key, mode, **options), set_("After", done="y"))
            answer = await anonymous.post(f"/webhook/acme/{key}", json={})
            assert answer.status_code == 500
            assert answer.json()["message"].startswith("Invalid")
            assert (await acme.get("/workflows", params={"template": key})).json()["items"] == []


async def test_a_line_break_in_a_header_of_respond_is_a_500_that_names_it(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    await publish(acme, "split", hook("split"), respond(responseHeaders=headers_(x_split="a\r\n\r\nHTTP/1.1 200 OK")))
    answer = await anonymous.post("/webhook/acme/split", json={})
    assert answer.status_code == 500
    assert "x-split" in answer.json()["message"]


async def test_html_is_in_the_sandbox_on_every_way_to_a_browser(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    """The webhook, its refusal, the wait, a link that is forged, the form, its last page."""
    own = headers_(content_type="text/html", content_security_policy="script-src *", x_content_type_options="no")
    ask = node("Hook", "webhook", 2, path="pages", httpMethod="GET", responseMode="responseNode", options={})
    await publish(
        acme, "pages", ask,
        node("Give", "respondToWebhook", 1.1, respondWith="text", responseBody="={{ $execution.resumeUrl }}",
             options={"responseHeaders": own}),
        node("Wait", "wait", 1.1, resume="webhook", responseMode="responseNode", options={}),
        node("Page", "respondToWebhook", 1.1, respondWith="text", responseBody="<script>1</script>",
             options={"responseHeaders": own}),
    )  # fmt: skip
    form = node("Form", "formTrigger", 2.2, formTitle="<b>", formFields={"values": []}, options={"path": "page-form"})
    await publish(acme, "page_form", form, set_("After", done="y"))
    first = await anonymous.get("/webhook/acme/pages")
    link = first.text
    waited = await anonymous.get(link)
    assert waited.text == "<script>1</script>"
    answers = {
        "webhook": first, "wait": waited, "used link": await anonymous.get(link),
        "forged link": await anonymous.get("/webhook-waiting/acme:x:y/1-" + "0" * 32),
        "form": await anonymous.get("/form/acme/page-form"),
        "form sent": await anonymous.post("/form/acme/page-form", data={}),
        "no form": await anonymous.get("/form/acme/nothing"),
    }  # fmt: skip
    assert (answers["form"].status_code, answers["form sent"].status_code) == (200, 200)
    for name, answer in answers.items():
        policies = [each.strip() for each in answer.headers["content-security-policy"].split(",")]
        assert policies[0] == SANDBOX, name
        assert answer.headers["x-content-type-options"] == "nosniff", name
        assert answer.headers["referrer-policy"] == "no-referrer", name
    assert answers["wait"].headers["content-security-policy"] == f"{SANDBOX}, script-src *"


@pytest.mark.parametrize(
    "path", ["/livez", "/openapi.json", "/problems", "/nothing", "/workflows", "/webhook/acme/none"]
)
async def test_every_answer_of_the_service_is_no_page(anonymous: httpx.AsyncClient, path: str) -> None:
    answer = await anonymous.get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "strict-transport-security" not in answer.headers


async def test_a_page_elsewhere_never_calls_with_its_visitors_cookies(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    own = headers_(
        access_control_allow_credentials="true", access_control_allow_origin="https://mine.example", vary="Accept"
    )
    await publish(acme, "cors-default", hook("cors-default", "lastNode"), set_("After", done="y"))
    await publish(acme, "cors-own", hook("cors-own"), respond("ok", responseHeaders=own))
    await publish(
        acme, "cors-refused", hook("cors-refused", "lastNode", ipWhitelist="10.0.0.1"), set_("After", done="y")
    )
    headers = {"origin": "https://z.example", "access-control-request-method": "POST"}
    expected = {
        "cors-default": "https://z.example",
        "cors-own": "https://mine.example",
        "cors-refused": "https://z.example",
    }
    for path, origin in expected.items():
        for method in ("POST", "OPTIONS"):
            answer = await anonymous.request(method, f"/webhook/acme/{path}", headers=headers)
            assert "access-control-allow-credentials" not in answer.headers
            wanted = "https://z.example" if method == "OPTIONS" else origin
            assert answer.headers["access-control-allow-origin"] == wanted, path


@pytest.fixture
async def two_hosts(dependencies: Dependencies) -> Litestar:
    """The application with workflow content on a host of its own."""
    return application_with(
        dependencies, content_url="https://content.example", public_url="https://api.example", hsts_seconds=600
    )


async def test_workflow_content_and_the_service_are_on_two_hosts(
    two_hosts: Litestar, acme: httpx.AsyncClient, api_keys: tuple[str, str]
) -> None:
    await publish(acme, "hosted", hook("hosted", "lastNode"), set_("After", done="y"))
    content = (
        "/webhook/acme/hosted",
        "/webhook-test/acme/x",
        "/webhook-waiting/acme/1",
        "/form/acme/x",
        "/form-waiting/a/b",
    )
    service = ("/workflows", "/templates", "/livez", "/openapi.json", "/metrics")
    async with client(two_hosts, api_keys[0]) as caller:
        for paths, host, other in (
            (content, "content.example", "api.example"),
            (service, "api.example", "content.example"),
        ):
            for path in paths:
                refused = await caller.post(path, headers={"host": other}, json={})
                if refused.status_code == 405:  # which comes before hosts, and says nothing
                    refused = await caller.get(path, headers={"host": other})
                assert (refused.status_code, refused.json()["type"]) == (421, "/problems/wrong-host"), path
                served = await caller.get(path, headers={"host": host})
                assert served.status_code != 421, path
        answer = await caller.post("/webhook/acme/hosted", headers={"host": "Content.Example:443"}, json={})
        assert answer.json()["done"] == "y"
        assert answer.headers["strict-transport-security"] == "max-age=600"
        listed = await caller.post("/templates/hosted/activate", headers={"host": "api.example"})
        assert json.dumps(listed.json()["webhooks"]).count("https://content.example/webhook/acme/hosted") == 1
