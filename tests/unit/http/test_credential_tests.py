"""The requests by which credentials are tried: to the credential's own hosts, and read as what they are."""

from typing import Any

import pytest

from runtime.http.credential_hosts import binding
from runtime.http.credential_tests import _tests, credential_test
from runtime.http.credentials import CredentialError, scheme

FIELDS: dict[str, Any] = {
    "domain": "https://acme.atlassian.net", "subdomain": "acme", "shopSubdomain": "acme", "accountSid": "AC1", "accessToken": "t",
    "url": "https://self.example/base/", "baseUrl": "https://self.example", "host": "self.example", "qdrantUrl": "https://q.example",
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
