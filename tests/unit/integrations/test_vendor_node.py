"""What the compiler and the runs of vendors' nodes decide by their operation."""

from typing import Any

import pytest

from runtime import catalog
from runtime.catalog import CATALOG
from schemas.diagnostic import Location
from tests.conformance.wire import run_wire_case


def bound(type_: str, version: float, **parameters: Any) -> Any:
    """A node with these parameters."""
    node = CATALOG.find(type_, version, parameters)
    assert node is not None
    return node.bind(parameters, version)


@pytest.mark.parametrize(
    ("type_", "version", "operation", "changes"),
    [
        ("n8n-nodes-base.googleSheets", 4.5, {"resource": "sheet", "operation": "read"}, None),
        ("n8n-nodes-base.googleSheets", 4.5, {"resource": "sheet", "operation": "append"}, "its sheet.append"),
        ("n8n-nodes-base.notion", 2.2, {"resource": "databasePage", "operation": "getAll"}, None),
        ("n8n-nodes-base.github", 1.1, {"resource": "issue", "operation": "get"}, None),
        ("n8n-nodes-base.discord", 2, {"resource": "message", "operation": "send"}, "its message.send"),
        ("n8n-nodes-base.hubspot", 2, {"resource": "contact", "operation": "={{ 1 }}"}, "its operation"),
    ],
)
def test_only_what_changes_something_is_a_mutation(
    type_: str, version: float, operation: dict[str, str], changes: str | None
) -> None:
    assert bound(type_, version, **operation).mutation(version) == changes


@pytest.mark.parametrize(
    ("type_", "version", "chosen", "name", "advice"),
    [
        ("slack", 2.3, {"resource": "message", "operation": "pots"}, "operation", "did you mean 'post'?"),
        ("slack", 2.3, {"resource": "messages", "operation": "post"}, "resource", "did you mean 'message'?"),
        (
            "airtable", 2.1, {"resource": "record", "operation": "append"}, "operation",
            "version 1 has it; in this one the options are create, deleteRecord, get, search, update, upsert",
        ),
        (
            "airtable", 1, {"operation": "upsert"}, "operation",
            "versions 2, 2.1, 2.2 have it; in this one the options are append, delete, list, read, update",
        ),
    ],
    ids=["an operation", "a resource", "an operation of an older version", "an operation of a newer version"],
)  # fmt: skip
def test_what_n8n_does_not_have_is_told_with_the_nearest_and_with_versions_that_have_it(
    type_: str, version: float, chosen: dict[str, str], name: str, advice: str
) -> None:
    node = bound(f"n8n-nodes-base.{type_}", version, **chosen)
    (told,) = (each for each in node.check(Location(file="a.json"), version) if each.code == "N8T307")
    assert (told.name, told.advice) == (name, advice)


def test_an_option_that_only_some_models_have_is_kept_for_them() -> None:
    """n8n shows it by a pattern over the model's name, which is in a resource locator."""
    parameters = {
        "modelId": {"__rl": True, "mode": "list", "value": "o3-mini"},
        "messages": {"values": [{"content": "Hello"}]},
        "options": {"reasoning_effort": "low"},
    }
    case = {"typeVersion": 1.8, "parameters": parameters, "credentials": {"openAiApi": {"apiKey": "k"}}}
    done = run_wire_case("@n8n/n8n-nodes-langchain.openAi", case)
    assert done["actual_requests"][0]["body"]["json"]["reasoning_effort"] == "low"


def test_an_expression_cannot_choose_an_operation_that_waits() -> None:
    parameters = {"resource": "message", "operation": "={{ 'sendAndWait' }}", "chatId": "1", "message": "Well?"}
    parameters |= {"messageId": "1", "text": "Well?", "richMessageText": "Well?"}
    case = {"typeVersion": 1.2, "parameters": parameters, "credentials": {"telegramApi": {"accessToken": "t"}}}
    done = run_wire_case("n8n-nodes-base.telegram", case)
    assert not done["actual_requests"]
    assert done["actual_error"]["message"] == "An expression chose an operation that waits for an answer"


def test_a_first_item_that_fails_leaves_the_others() -> None:
    """What its parameters say cannot be read, and the node goes on after errors."""
    page = {"__rl": True, "mode": "url", "value": "={{ $json.url }}"}
    url = "https://www.notion.so/Page-9f8e7d6c5b4a39281706f5e4d3c2b1a0"
    answer = {"object": "page", "id": "p", "properties": {"Name": {"type": "title", "title": []}}}
    case = {
        "typeVersion": 2.2, "parameters": {"resource": "databasePage", "operation": "get", "pageId": page},
        "credentials": {"notionApi": {"apiKey": "k"}}, "input": [{"json": {"url": "nowhere"}}, {"json": {"url": url}}],
        "node": {"onError": "continueRegularOutput"}, "responses": [{"json": answer}],
    }  # fmt: skip
    done = run_wire_case("n8n-nodes-base.notion", case)
    first, second = done["actual_output"]
    assert "Could not extract page ID" in first["json"]["error"]
    assert second["json"]["id"] == "p"


@pytest.mark.parametrize(("value", "told"), [(True, True), (False, False), (None, False)])
def test_a_member_of_a_collection_that_is_not_supported_is_told(value: object, told: bool) -> None:
    options = {} if value is None else {"downloadAttachments": value}
    parameters = {"resource": "message", "operation": "get", "messageId": "m1", "options": options}
    node = bound("n8n-nodes-base.microsoftOutlook", 2, **parameters)
    found = [each.message for each in node.check(Location(file="a.json"), 2)]
    assert [("options.downloadAttachments" in each) for each in found] == [True] * told


def test_an_operation_that_is_not_there_says_what_to_do() -> None:
    node = bound("n8n-nodes-base.dropbox", 1, resource="search", operation="query")
    (message,) = (each.message for each in node.check(Location(file="a.json"), 1))
    assert "search.query" in message


def test_node_types_of_a_plan_are_loaded_before_a_workflow_meets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = catalog.NodeCatalog()
    monkeypatch.setattr(catalog, "CATALOG", fresh)
    catalog.load_types_of(b'{"steps": [{"name": "Ask", "type": "n8n-nodes-base.telegram"}]}')
    assert set(fresh._shapes) == {"n8n-nodes-base.telegram"}  # whether a type is loaded shows nowhere else
