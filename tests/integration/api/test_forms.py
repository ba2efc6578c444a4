"""Forms: a page that starts a run, a page that resumes one, and what is filled in wrongly."""

from typing import Any

import httpx
import pytest

from api.dependencies import Dependencies
from schemas.resume_link import token
from tests.exports import export, node, set_
from tests.service import ended, eventually, started

pytestmark = pytest.mark.usefixtures("worker")

FIELDS = {
    "values": [
        {"fieldLabel": "Name", "requiredField": True, "placeholder": "<Ada>"},
        {"fieldLabel": "Age", "fieldType": "number"},
        {
            "fieldLabel": "Plan",
            "fieldType": "dropdown",
            "fieldOptions": {"values": [{"option": "Free"}, {"option": "Pro"}]},
        },
        {"fieldLabel": "Tags", "fieldType": "checkbox", "fieldOptions": {"values": [{"option": "a"}, {"option": "b"}]}},
        {"fieldLabel": "CV", "fieldType": "file"},
    ]
}


def form(**parameters: Any) -> dict[str, Any]:
    form_parameters = {"formTitle": "Join <us>", "formFields": FIELDS, "options": {"path": "join"}} | parameters
    return export("Join", node("Form", "formTrigger", 2.2, **form_parameters), set_("Kept", seen="={{ $json.Name }}"))


async def runs_of(acme: httpx.AsyncClient, template: str) -> list[dict[str, Any]]:
    page = (await acme.get("/workflows", params={"template": template, "status": "completed"})).json()["items"]
    return [(await acme.get(f"/workflows/{each['workflow_id']}/result")).json() for each in page]


async def test_what_is_filled_in_starts_a_run(acme: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    answer = await acme.post("/templates", params={"key": "join"}, json=form())
    assert answer.json()["webhooks"][0]["url"].endswith("/form/acme/join")
    page = await anonymous.get("/form/acme/join", params={"Name": "Bob"})
    assert page.status_code == 200
    assert "Join &lt;us&gt;" in page.text
    assert 'placeholder="&lt;Ada&gt;"' in page.text
    assert 'value="Bob"' in page.text, "a query parameter fills a field in"
    assert "sandbox" in page.headers["content-security-policy"]
    filled = {"field-0": " Ada ", "field-1": "36", "field-2": "Pro", "field-3": ["a", "b"]}
    sent = await anonymous.post("/form/acme/join", data=filled, files={"field-4": ("cv.txt", b"text", "text/plain")})
    assert sent.status_code == 200, sent.text
    assert "Your response has been recorded" in sent.text

    async def ran() -> Any:
        return await runs_of(acme, "join")

    item = (await eventually(ran))[0]["outputs"][0][0]
    json = item["json"]
    assert {key: json[key] for key in ("Name", "Age", "Plan", "Tags", "formMode")} == {
        "Name": "Ada", "Age": 36, "Plan": "Pro", "Tags": ["a", "b"], "formMode": "production",
    }  # fmt: skip
    assert json["CV"] == {"filename": "cv.txt", "mimetype": "text/plain", "size": 4}


@pytest.mark.parametrize(
    ("filled", "message"),
    [
        ({"field-0": ""}, "Field &#39;Name&#39; is required"),
        ({"field-0": "x", "field-1": "old"}, "Field &#39;Age&#39; must be a number"),
        ({"field-0": "x", "field-2": "Gold"}, "Field &#39;Plan&#39;: no such option"),
    ],
)
async def test_what_is_filled_in_wrongly_is_shown_and_starts_nothing(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, filled: dict[str, str], message: str
) -> None:
    await acme.post("/templates", params={"key": "strict"}, json=form(options={"path": "strict"}))
    sent = await anonymous.post("/form/acme/strict", data=filled)
    assert sent.status_code == 400
    assert message in sent.text


async def test_the_result_of_the_last_node_and_another_page(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    last = form(options={"path": "lastnode"}, responseMode="lastNode")
    await acme.post("/templates", params={"key": "lastnode"}, json=last)
    assert (await anonymous.post("/form/acme/lastnode", data={"field-0": "Eve"})).json()["seen"] == "Eve"
    away = {
        "path": "away",
        "respondWithOptions": {"values": {"respondWith": "redirect", "redirectUrl": "https://x.test/"}},
    }
    await acme.post("/templates", params={"key": "away"}, json=form(options=away))
    sent = await anonymous.post("/form/acme/away", data={"field-0": "Eve"})
    assert (sent.status_code, sent.headers["location"]) == (303, "https://x.test/")


async def test_a_form_that_is_not_there(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.get("/form/acme/nowhere")).status_code == 404
    assert (await anonymous.get("/form/globex/join")).status_code == 404


async def test_a_run_waits_for_a_form(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, dependencies: Dependencies
) -> None:
    workflow = export(
        "Waits for a form", node("Start", "manualTrigger"),
        node("Ask", "wait", 1.1, resume="form", formTitle="More?", formFields=FIELDS), set_("Kept", seen="={{ $json.Name }}"),
    )  # fmt: skip
    assert (await acme.post("/templates", params={"key": "more"}, json=workflow)).status_code == 201
    run = await started(acme, "more")
    place = f"{run}/0-{token(dependencies.links.of(run)['resume_secret'], 0)}"

    async def shown() -> Any:
        page = await anonymous.get(f"/form-waiting/{place}")
        return page.status_code == 200 and "More?" in page.text

    assert await eventually(shown)
    assert (await anonymous.get(f"/webhook-waiting/{place}")).status_code == 409, "it is no link for calls"
    assert (await anonymous.post(f"/form-waiting/{place}", data={})).status_code == 400
    assert (await anonymous.post(f"/form-waiting/{place}", data={"field-0": "Zoe"})).status_code == 200
    await ended(acme, run)
    assert (await acme.get(f"/workflows/{run}/result")).json()["outputs"][0][0]["json"]["seen"] == "Zoe"
    assert (await anonymous.post(f"/form-waiting/{place}", data={"field-0": "Zoe"})).status_code == 409


async def test_a_form_of_several_pages_leads_from_one_to_the_next(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    one = {"values": [{"fieldLabel": "Name"}]}
    workflow = export(
        "Pages",
        node("Form", "formTrigger", 2.2, formTitle="One", formFields=one, options={"path": "pages"}),
        node("Two", "form", 1, formFields={"values": [{"fieldLabel": "Age", "fieldType": "number"}]},
             options={"formTitle": "=Two for {{ $json.Name }}", "buttonLabel": "Go"}),
        node("End", "form", 1, operation="completion", completionTitle="Thanks",
             completionMessage="={{ $('Form').item.json.Name }} is {{ $json.Age }}", options={}),
        set_("After", done="yes"),
    )  # fmt: skip
    published = await acme.post("/templates", params={"key": "pages"}, json=workflow)
    assert published.status_code == 201, published.text
    sent = await anonymous.post("/form/acme/pages", data={"field-0": "Ada"})
    assert sent.status_code == 303
    second = sent.headers["location"]

    async def shown(where: str, text: str) -> Any:
        page = await anonymous.get(where)
        assert page.status_code == 200, page.text
        return text in page.text

    assert await eventually(lambda: shown(second, "Two for Ada"))
    sent = await anonymous.post(second, data={"field-0": "36"})
    assert sent.status_code == 303
    assert await eventually(lambda: shown(sent.headers["location"], "Ada is 36"))
    assert (await anonymous.post(second, data={"field-0": "37"})).status_code == 409, "a page is filled in once"
    assert "Ada is 36" in (await anonymous.get(second)).text, "who goes back sees where the form is now"


async def test_the_last_page_gives_the_files_of_its_input(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    """The browser saves the first by itself; what the page does not have is not there."""
    field = {"values": [{"fieldLabel": "CV", "fieldType": "file"}]}
    workflow = export(
        "Gives", node("Form", "formTrigger", 2.2, formTitle="T", formFields=field, options={"path": "gives"}),
        node("End", "form", 1, operation="completion", respondWith="returnBinary", completionTitle="Here",
             completionMessage="it is", inputDataFieldName="CV", options={}),
    )  # fmt: skip
    published = await acme.post("/templates", params={"key": "gives"}, json=workflow)
    assert published.status_code == 201, published.text
    upload = {"field-0": ("é <1>.pdf", b"%PDF-1.4 x", "application/pdf")}
    sent = await anonymous.post("/form/acme/gives", data={}, files=upload)
    assert sent.status_code == 303, sent.text
    where = sent.headers["location"]

    async def shown() -> Any:
        page = await anonymous.get(where)
        assert page.status_code == 200, page.text
        return page.text if "it is" in page.text else None

    page = await eventually(shown)
    assert 'content="0; url=?page=1&amp;file=0"' in page
    assert ">é &lt;1&gt;.pdf</a>" in page
    file = await anonymous.get(where, params={"page": "1", "file": "0"})
    assert (file.content, file.headers["content-type"]) == (b"%PDF-1.4 x", "application/pdf")
    assert file.headers["content-disposition"] == "attachment; filename*=UTF-8''%C3%A9%20%3C1%3E.pdf"
    for number in ("1", "-1", "x", ""):
        assert (await anonymous.get(where, params={"page": "1", "file": number})).status_code == 404
    forged = where.replace("/0-", "/1-", 1)
    assert (await anonymous.get(forged, params={"page": "1", "file": "0"})).status_code != 200


async def test_a_form_is_tried_without_being_active(acme: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    """One answer, of the version that listens, and the item says that it is a test. To look at the page is no answer."""
    workflow = form(options={"path": "tried-form"}, formFields={"values": [{"fieldLabel": "Name"}]})
    await acme.post("/templates", params={"key": "tried_form"}, json=workflow)
    await acme.post("/templates/tried_form/deactivate")
    assert (await anonymous.get("/form/acme/tried-form")).status_code == 404
    refused = await anonymous.get("/form-test/acme/tried-form")
    assert (refused.status_code, refused.json()["message"]) == (404, "Form not found")
    listening = (await acme.post("/templates/tried_form/listen")).json()
    assert [each["url"].split("/", 3)[3] for each in listening["webhooks"]] == ["form-test/acme/tried-form"]
    assert (await anonymous.get("/form-test/globex/tried-form")).status_code == 404
    for _ in range(2):
        assert (await anonymous.get("/form-test/acme/tried-form")).status_code == 200
    assert (await anonymous.post("/form-test/acme/tried-form", data={"field-0": "Ada"})).status_code == 200
    assert (await anonymous.post("/form-test/acme/tried-form", data={"field-0": "Ada"})).status_code == 404

    async def ran() -> Any:
        return await runs_of(acme, "tried_form")

    (run,) = await eventually(ran)
    json = run["outputs"][0][0]["json"]
    assert (json["Name"], json["formMode"], json["seen"]) == ("Ada", "test", "Ada")
