"""The requests by which credentials are tried: to the credential's own hosts, and read as what they are."""

from typing import Any, Final

import pytest

from runtime.http.credential_hosts import binding
from runtime.http.credential_tests import _tests, _untried, credential_test
from runtime.http.credentials import CredentialError, scheme
from runtime.integrations.loader import descriptors, folders

FIELDS: dict[str, Any] = {
    "domain": "https://acme.atlassian.net", "subdomain": "acme", "shopSubdomain": "acme", "accountSid": "AC1", "accessToken": "t",
    "url": "https://self.example/base/", "baseUrl": "https://self.example", "host": "self.example", "qdrantUrl": "https://q.example",
    "webDavUrl": "https://self.example/remote.php/webdav", "webhookUri": "https://discord.com/api/webhooks/1/t", "apiKey": "key-us21",
    "developerToken": "d", "businessAccountId": "1", "clientId": "c", "clientSecret": "s", "refreshToken": "r",
}  # fmt: skip
OWN: dict[str, dict[str, Any]] = {"openAiApi": {"url": ""}, "anthropicApi": {"url": ""}}
"""Types whose address has a default."""


@pytest.mark.parametrize("type_", sorted(_tests()))
def test_every_test_goes_to_a_host_of_its_credential(type_: str) -> None:
    """A test that the host rules refuse would never succeed."""
    data = FIELDS | OWN.get(type_, {})
    test = credential_test(type_, data)
    assert scheme(type_) is not None
    binding("acme", type_, "n", data).check(test.request.url)


@pytest.mark.parametrize(
    ("type_", "status", "body", "words"),
    [
        ("notionApi", 401, b"", "does not accept the credential: HTTP status 401"),
        ("notionApi", 403, b"", "does not accept the credential: HTTP status 403"),
        ("notionApi", 500, b"", "HTTP status 500, which says nothing about the credential"),
        ("slackApi", 200, b'{"ok": false, "error": "invalid_auth"}', "does not accept the credential"),
        ("mondayComApi", 200, b'{"errors": [{}]}', "does not accept the credential"),
    ],
)
def test_what_a_vendor_says_is_read(type_: str, status: int, body: bytes, words: str) -> None:
    """Some vendors say no with a status of 200."""
    with pytest.raises(CredentialError, match=words):
        credential_test(type_, FIELDS).check(status, body)


@pytest.mark.parametrize(
    ("type_", "body"), [("notionApi", b"{}"), ("slackApi", b'{"ok": true}'), ("slackApi", b"<html>")]
)
def test_a_good_credential_is_one(type_: str, body: bytes) -> None:
    credential_test(type_, FIELDS).check(200, body)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(CredentialError, match="has no 'subdomain'"):
        credential_test("zendeskApi", {})


def test_a_type_without_a_test_says_so() -> None:
    with pytest.raises(CredentialError, match="No test is known for credentials of the type smtp"):
        credential_test("smtp", {})


def _types_of_vendors() -> set[str]:
    return {each.type for folder in folders() for one in descriptors(folder) for each in one.credentials}


WITHOUT: Final = (
    "apiTemplateIoApi bambooHrApi baserowApi blotatoApi calApi connectSafelyApi deepLApi exploriumApi homeAssistantApi htmlcsstoimgApi "
    "htmlcsstopdfApi influencersClubApi jinaAiApi odooApi pdfVectorApi rapiwaApi sms77Api vlmRunApi"
)
"""Types whose vendors document no request that costs nothing, or that nobody has looked up. The list only shrinks."""


def test_the_credential_of_each_vendor_has_a_test_or_a_reason() -> None:
    assert sorted(_types_of_vendors() - _tests().keys() - _untried().keys()) == WITHOUT.split()
    assert not _tests().keys() & _untried().keys()


def test_a_reason_is_told() -> None:
    with pytest.raises(CredentialError, match=r"HubSpot takes no API keys any more.*--url"):
        credential_test("hubspotApi", {})


def test_what_a_test_needs_of_a_credential_is_filled_in() -> None:
    """The data centre of Mailchimp is in its key; Amazon's token server takes a form; Google Ads wants a header."""
    assert credential_test("mailchimpApi", FIELDS).request.url == "https://us21.api.mailchimp.com/3.0/ping"
    assert credential_test("googleAdsOAuth2Api", FIELDS).request.headers["developer-token"] == "d"
    sent = credential_test("amazonSellingPartnerApi", FIELDS).request.encode()
    assert sent.content == b"grant_type=refresh_token&refresh_token=r&client_id=c&client_secret=s"
    with pytest.raises(CredentialError, match="has no 'refreshToken', which its test needs"):
        credential_test("amazonSellingPartnerApi", {})
