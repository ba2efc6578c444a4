"""What somebody who runs the templates would find wrong: cases that are lost or happen twice, texts with gaps, data beyond the first page."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.unit.templates.test_templates import KEYS, last, read, run, sample
from tests.unit.templates.vendors import Vendors

GAPS = re.compile(r"undefined|\[object Object\]|NaN|\bnull\b|\[name\]|CTA_URL|PAY_URL")


class Stripe(Vendors):
    """A world in which Stripe lists things on two pages. `answers`: what else a route says."""

    def __init__(self, export: Mapping[str, Any], **options: Any) -> None:
        super().__init__(export, **options)
        self.pages: list[Any] = []

    def answer(
        self, method: str, host: str, path: str, query: Mapping[str, Any], body: Any, headers: Mapping[str, str]
    ) -> Any:
        """A list per page; an empty cursor is refused, as Stripe refuses it."""
        if host != "api.stripe.com" or path not in ("/v1/invoices", "/v1/subscriptions"):
            return super().answer(method, host, path, query, body, headers)
        cursor = query.get("starting_after", ["first"])[0]
        self.pages.append((path, cursor))
        if headers.get("stripe-version") != "2024-06-20" or not cursor:
            return 400, {"error": {"message": "You passed an empty string for 'starting_after'"}}
        if path == "/v1/subscriptions":
            return {"data": [], "has_more": False}
        paid = {"status": "paid", "amount_paid": 1000, "currency": "eur", "billing_reason": "subscription_cycle"}
        number = 1 if cursor == "first" else 2
        return {"data": [{"id": f"in_{number}", "customer": "c", **paid}], "has_more": number == 1}


def with_setting(export: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    """The template with another value in its Settings."""
    settings = next(each for each in export["nodes"] if each["name"] == "Settings")
    for each in settings["parameters"]["assignments"]["assignments"]:
        if each["name"] == name:
            each["value"] = value
    return export


def written(vendors: Vendors) -> list[str]:
    """What people read: subjects and texts of mails, messages in Slack, posts, notes and replies in tickets."""
    said = [text for _, subject, body in vendors.mails for text in (subject, body)]
    for _, url, body in vendors.requests:
        if "slack.com" in url:
            said += [body.get("text") or "", *re.findall(r'"text": "((?:[^"\\]|\\.)*)"', json.dumps(body))]
        elif "zendesk.com" in url and isinstance(body, dict):
            said.append(str((body.get("ticket") or {}).get("comment") or ""))
        elif "linkedin.com/rest/posts" in url or "api.x.com" in url:
            said.append(str(body.get("commentary") or body.get("text")))
    return said


@pytest.mark.parametrize("key", KEYS)
async def test_nothing_that_people_read_has_a_gap(key: str) -> None:
    export = read(key)
    vendors = Vendors(export)
    await run(export, vendors, sample(key))
    texts = written(vendors)
    assert texts
    assert [text for text in texts if GAPS.search(text)] == []


async def test_a_customer_of_whom_little_is_known_is_greeted_as_a_team() -> None:
    """The first example of the service's description: a name and an address, and no contact."""
    export = read("ai_customer_onboarding")
    vendors = Vendors(export)
    customer = {"name": "Test Company", "email": "test@company.com"}
    execution, _ = await run(export, vendors, {"customer_data": customer, "integrations": {"hubspot": True}})
    assert last(execution, "Result")["status"] == "onboarded"
    letters = [text for to, _, text in vendors.mails if "test@company.com" in to]
    assert letters
    assert all(text.startswith("Dear team of Test Company,") for text in letters)
    assert [text for text in written(vendors) if GAPS.search(text)] == []
    saved = next(body for method, url, body in vendors.requests if "createOrUpdate" in url)
    assert {each["property"] for each in saved["properties"]}.isdisjoint({"firstname", "lastname"})


async def test_what_is_planned_inside_is_not_written_to_the_customer() -> None:
    export = read("ai_customer_onboarding")
    plan = export["pinData"]["Plan success"][0]["json"]["output"]
    vendors = Vendors(export)
    await run(export, vendors, sample("ai_customer_onboarding"))
    letters = "".join(text for to, _, text in vendors.mails if "lund@ostsee-reederei.example" in to)
    assert letters
    assert plan["next_touch"] not in letters


async def test_one_unpaid_invoice_is_one_case_however_often_its_payment_fails() -> None:
    """Stripe has an event for each attempt: each would begin four mails of its own."""
    export, first = read("subscription_management"), sample("subscription_management")
    vendors = Vendors(export)
    await run(export, vendors, first)
    before = len(vendors.mails)
    second = json.loads(json.dumps(first))
    second["event"] |= {"id": "evt_second_attempt"}
    second["event"]["data"]["object"]["attempt_count"] = 2
    execution, _ = await run(export, vendors, second, execution_id="1.second")
    assert last(execution, "Duplicate")["status"] == "duplicate"
    assert (before, len(vendors.mails)) == (4, before)


async def test_the_month_has_every_page_of_invoices() -> None:
    export = read("subscription_management")
    first = next(each for each in export["nodes"] if each["name"] == "First of the month?")
    first["parameters"]["conditions"]["conditions"][0]["leftValue"] = "={{ true }}"
    vendors = Stripe(export)
    execution, _ = await run(export, vendors, {"event": {"id": "day-1", "type": "day", "data": {"object": {}}}})
    assert last(execution, "Result")["status"] == "day_done"
    assert [cursor for path, cursor in vendors.pages if path == "/v1/invoices"] == ["first", "in_1"]
    assert last(execution, "Movements of the month")["movements"] == [
        {"kind": "subscription_cycle", "status": "paid", "currency": "EUR", "invoices": 2, "amount": 20}
    ]


async def test_a_vendor_that_refuses_is_named_as_the_reason() -> None:
    """With pages the error of a request has no message of its own: it was reported as somebody who did not answer."""
    export = read("subscription_management")
    execution, _ = await run(export, Vendors(export), {"event": {"id": "day-1", "type": "day", "data": {"object": {}}}})
    assert "No GET /v1/subscriptions here" in last(execution, "Result")["reason"]


async def test_prospects_beyond_the_daily_number_come_another_day() -> None:
    """The number is counted over all starts of a day, and who is known takes no place of it."""
    template = "linkedin_outreach_ai"
    people = [
        {"name": f"P{i}", "profile_url": f"https://www.linkedin.com/in/p{i}", "profile": "Dispatcher"}
        for i in range(20)
    ]
    item = {**sample(template), "prospects": people}
    vendors, told = Vendors(read(template)), []
    for n, limit in enumerate((15, 15, 30)):
        export = with_setting(read(template), "daily_limit", limit)
        execution, _ = await run(export, vendors, item, execution_id=f"1.{n}")
        result = last(execution, "Result" if "Result" in execution.engine.runs else "Nobody new")
        evidence = result["evidence"]
        told.append(
            (result["status"], len(evidence["prospects"]), evidence["known_before"], evidence["left_for_tomorrow"])
        )
    assert told == [("done", 15, 0, 5), ("limit_reached", 0, 15, 5), ("done", 5, 15, 0)]


async def test_a_known_person_who_asks_something_else_is_heard() -> None:
    template = "ai_lead_qualification"
    export, first = read(template), sample(template)
    vendors = Vendors(export)
    await run(export, vendors, first)
    again = {"lead_data": {**first["lead_data"], "message": first["lead_data"]["message"].upper() + " "}}
    execution, _ = await run(export, vendors, again, execution_id="1.again")
    assert last(execution, "Duplicate")["status"] == "duplicate"
    other = {"lead_data": {**first["lead_data"], "message": "We need forty more seats. Who can make an offer?"}}
    execution, _ = await run(export, vendors, other, execution_id="1.other")
    assert last(execution, "Result")["status"] == "qualified"


async def test_a_size_that_was_not_told_is_not_told_as_nobody() -> None:
    template = "ai_lead_qualification"
    export = read(template)
    vendors = Vendors(export)
    lead = {name: value for name, value in sample(template)["lead_data"].items() if name not in ("employees", "title")}
    await run(export, vendors, {"lead_data": lead})
    asked = next(json.dumps(body) for _, url, body in vendors.requests if "openai" in url)
    assert "size not told" in asked
    assert ", 0 people" not in asked


async def test_a_ticket_has_the_whole_message_and_a_model_its_beginning() -> None:
    template = "customer_support_triage"
    export = read(template)
    vendors = Vendors(export)
    message = {**sample(template)["message"], "text": "<p>Not visible.</p>" + "x" * 9000 + " the end"}
    await run(export, vendors, {"message": message})
    ticket = next(body for method, url, body in vendors.requests if url.endswith("/api/v2/tickets.json"))
    described = ticket["ticket"]["comment"]["body"]
    assert described.endswith("the end")
    assert "<p>" not in described
    assert "the end" not in next(json.dumps(body) for _, url, body in vendors.requests if "openai" in url)


async def test_what_was_found_goes_with_the_ticket_to_people() -> None:
    template = "customer_support_triage"
    export = read(template)
    answer = export["pinData"]["Write answer"][0]["json"]["output"]
    answer |= {"action": "hand_over", "hand_over_note": "Tried the filter, it is not that"}
    vendors = Vendors(export)
    await run(export, vendors, sample(template))
    assert any("Tried the filter, it is not that" in text for text in written(vendors))


async def test_the_sample_of_a_campaign_is_not_the_beginning_of_the_alphabet() -> None:
    template = "email_marketing_automation"
    export = read(template)
    orders = []
    for campaign in ("spring-2027", "autumn-2027"):
        execution, _ = await run(export, Vendors(export), {**sample(template), "campaign": campaign})
        chosen = last(execution, "Choose recipients")
        orders.append([person["email"] for part in ("a", "b", "rest") for person in chosen[part]])
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] != orders[1] != sorted(orders[1])


async def test_a_long_post_is_not_cut_for_x() -> None:
    template = "content_generation"
    export = read(template)
    export["pinData"]["Check the post"][0]["json"]["output"]["edited"] = "A word. " * 60
    vendors = Vendors(export)
    await run(export, vendors, sample(template))
    post = next(body["text"] for _, url, body in vendors.requests if "api.x.com" in url)
    assert post.endswith("https://www.example.com/a")
    assert len(post) <= 280
