"""What the error of a vendor's node tells beside n8n's message."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from runtime.contract import NodeApiError
from runtime.integrations.failure_facts import Answered, add_facts, vendors_code
from tests.conformance.wire import run_wire_case

N: Final = "n8n-nodes-base."
HTML: Final = {"headers": {"content-type": "text/html; charset=utf-8"}, "text": "<html><body>Sign in</body></html>"}
HISTORY: Final = {
    "resource": "channel",
    "operation": "history",
    "channelId": {"__rl": True, "mode": "id", "value": "C1"},
}
READ: Final = {
    "operation": "read", "documentId": {"__rl": True, "mode": "id", "value": "d"},
    "sheetName": {"__rl": True, "mode": "id", "value": "0"},
}  # fmt: skip
GOOGLE: Final = {"googleSheetsOAuth2Api": {"oauthTokenData": {"access_token": "CANARY"}}}
SLACK: Final = {"slackApi": {"accessToken": "CANARY"}}
MESSAGE: Final = {
    "resource": "message",
    "operation": "sendMessage",
    "chatId": "1",
    "text": "Hi",
    "additionalFields": {},
}


@pytest.mark.parametrize(
    ("type_", "version", "parameters", "credentials", "response", "facts", "advice"),
    [
        (
            "telegram", 1.2, MESSAGE, {"telegramApi": {"accessToken": "CANARY"}},
            {"status": 401, "json": {"ok": False, "error_code": 401, "description": "Unauthorized"}},
            {"vendor": "Telegram", "operation": "message.sendMessage", "status": 401}, "credentials test",
        ),
        (
            "slack", 2.3, HISTORY, SLACK, {"status": 200, "json": {"ok": False, "error": "channel_not_found"}},
            {"vendor": "Slack", "operation": "channel.history", "status": 200, "code": "channel_not_found"}, None,
        ),
        (
            "googleSheets", 4.5, READ, GOOGLE,
            {"status": 403, "json": {"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "no"}}},
            {"vendor": "Google Sheets", "operation": "sheet.read", "status": 403, "code": "PERMISSION_DENIED"}, "scopes",
        ),
        (
            "googleSheets", 4.5, READ, GOOGLE, {"status": 200, **HTML},
            {"vendor": "Google Sheets", "operation": "sheet.read", "status": 200}, "text/html where JSON was due",
        ),
        (
            "googleSheets", 4.5, READ, GOOGLE, {"status": 503, **HTML},
            {"vendor": "Google Sheets", "operation": "sheet.read", "status": 503}, "may be down",
        ),
        (
            "stripe", 1, {"resource": "customer", "operation": "get", "customerId": "c"}, {"stripeApi": {"secretKey": "CANARY"}},
            {"status": 404, "json": {"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "none"}}},
            {"vendor": "Stripe", "operation": "customer.get", "status": 404, "code": "resource_missing"}, "Check the IDs",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_an_error_names_vendor_operation_status_code_and_what_to_do(
    type_: str,
    version: float,
    parameters: Any,
    credentials: Any,
    response: Any,
    facts: Mapping[str, Any],
    advice: str | None,
) -> None:
    """Nothing of the credential is in it."""
    case = {"typeVersion": version, "parameters": parameters, "credentials": credentials, "responses": [response]}
    error = run_wire_case(N + type_, case | {"input": [{"json": {}}]})["actual_error"]
    told = dict(error["service"])
    assert (advice or "") in told.pop("advice", "")
    assert told == facts
    assert "CANARY" not in str(error)


def test_an_error_before_the_first_request_has_no_status() -> None:
    case = {"typeVersion": 4.5, "parameters": READ, "credentials": {}, "responses": [], "input": [{"json": {}}]}
    error = run_wire_case(N + "googleSheets", case)["actual_error"]
    assert error["service"] == {"vendor": "Google Sheets", "operation": "sheet.read"}


def test_the_item_of_a_failed_request_is_n8ns() -> None:
    """Where the node goes on after errors."""
    case = {
        "typeVersion": 2.3, "parameters": HISTORY, "credentials": SLACK, "node": {"onError": "continueRegularOutput"},
        "responses": [{"status": 200, "json": {"ok": False, "error": "channel_not_found"}}], "input": [{"json": {}}],
    }  # fmt: skip
    done = run_wire_case(N + "slack", case)
    assert done["actual_error"] is None
    assert "service" not in str(done["actual_output"])


@pytest.mark.parametrize(
    ("code", "advice"),
    [("ECONNREFUSED", "may be down"), ("ETIMEDOUT", "may be down"), ("CREDENTIAL_HOST", None), ("EGRESS", None)],
)
def test_a_request_without_an_answer_has_its_reason_as_code(code: str, advice: str | None) -> None:
    """An answer from before it is none of it."""
    told = add_facts(NodeApiError("", http_code=code), "Acme", None, Answered(200, "application/json")).data["service"]
    assert (told["code"], "status" in told, advice is None or advice in told["advice"]) == (code, False, True)
    assert ("advice" in told) == (advice is not None)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"error": {"code": 190, "type": "OAuthException", "message": "expired"}}, 400, "190"),
        ({"code": 21211, "status": 400, "message": "no number"}, 400, "21211"),
        ({"object": "error", "status": 400, "code": "validation_error"}, 400, "validation_error"),
        ({"message": "Validation Failed", "errors": [{"code": "custom"}], "status": "422"}, 422, "custom"),
        ({"error": "invalid_grant", "error_description": "Token has been revoked"}, 400, "invalid_grant"),
        ({"error": "The chat was not found"}, 404, None),
        ({"error": True, "code": False}, 400, None),
        ({"errors": [{"message": "one"}, {"errorCode": "TWO"}]}, 400, "TWO"),
        ("text", 400, None),
        (None, 500, None),
        ([], 500, None),
    ],
)
def test_codes_of_vendors(body: Any, status: int, code: str | None) -> None:
    assert vendors_code(body, status) == code
