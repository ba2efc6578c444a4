"""What credentials get from their type: addresses, scopes and how a client authenticates."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from runtime.http import import_oauth2_types
from runtime.http.authorization import authorization_url
from runtime.http.credential_hosts import binding
from runtime.http.credentials import CredentialError, scheme
from runtime.http.oauth2_types import token_of, uses_pkce, with_account_of, with_defaults

TYPES: dict[str, Any] = json.loads(import_oauth2_types.FILE.read_text(encoding="utf-8"))
FIELDS = {
    "subdomain": "acme", "shopSubdomain": "acme", "account": "acme", "tenantId": "1-2", "appId": "app", "region": "crm.dynamics.com",
    "host": "https://dbc.example/", "url": "https://self.example/api/", "environmentUrl": "https://env.example",
}  # fmt: skip
"""Fields that some types need beside the client's id and secret."""
WITHOUT_SERVER = {"mcpOAuth2Api"}
"""Types whose server is the credential's own."""


@pytest.mark.parametrize("type_", TYPES)
def test_every_type_has_its_addresses(type_: str) -> None:
    """They are whole addresses with TLS, and the token server is among the hosts of the credential."""
    data = with_defaults(type_, FIELDS | {"clientId": "c"})
    if type_ in WITHOUT_SERVER:
        assert "accessTokenUrl" not in data
        return
    for field in ("authUrl", "accessTokenUrl"):
        assert urlsplit(data[field]).scheme == "https", data[field]
        assert urlsplit(data[field]).hostname, data[field]
        assert not set("{}|$ ") & set(data[field])
    assert "{" not in str(data.get("scope")) + str(data.get("authQueryParameters"))
    binding("acme", type_, "n", data).check(data["accessTokenUrl"])


@pytest.mark.parametrize(
    ("type_", "fields", "expected"),
    [
        ("githubOAuth2Api", {}, {"accessTokenUrl": "https://github.com/login/oauth/access_token"}),
        ("githubOAuth2Api", {"server": "https://git.acme.example/api/v3"},
         {"accessTokenUrl": "https://git.acme.example/login/oauth/access_token"}),
        ("gitlabOAuth2Api", {"server": "https://lab.example/"}, {"authUrl": "https://lab.example/oauth/authorize"}),
        ("gristOAuth2Api", {"url": "https://grist.example/api"}, {"authUrl": "https://grist.example/oidc/auth"}),
        ("salesforceOAuth2Api", {"environment": "sandbox"},
         {"accessTokenUrl": "https://test.salesforce.com/services/oauth2/token"}),
        ("databricksOAuth2Api", {"host": "https://d.example"}, {"grantType": "clientCredentials", "scope": "all-apis"}),
        ("databricksOAuth2Api", {"host": "https://d.example", "grantType": "authorizationCode"},
         {"scope": "all-apis offline_access"}),
        ("linearOAuth2Api", {"actor": "app", "includeAdminScope": True},
         {"scope": "read write issues:create comments:create admin app:mentionable", "authQueryParameters": "actor=app"}),
        ("microsoftDataverseOAuth2Api", {"cloud": "usgov", "tenantId": "t", "environmentUrl": "https://e.example/"},
         {"authUrl": "https://login.microsoftonline.us/t/oauth2/v2.0/authorize", "scope": "https://e.example/.default offline_access"}),
        ("googleSheetsOAuth2Api", {"customScopes": True, "enabledScopes": "a b"}, {"scope": "a b"}),
        ("googleSheetsOAuth2Api", {"accessTokenUrl": "", "scope": "own"},
         {"accessTokenUrl": "https://oauth2.googleapis.com/token", "scope": "own"}),
        ("googleSheetsOAuth2Api", {"accessTokenUrl": "https://own.example"}, {"accessTokenUrl": "https://own.example"}),
    ],
)  # fmt: skip
def test_what_a_type_computes(type_: str, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    """What the credential says itself goes before what its type knows."""
    data = with_defaults(type_, fields)
    assert {name: data.get(name) for name in expected} == expected
    assert {name: data[name] for name in fields if fields[name] != "" and name not in expected} == {
        name: value for name, value in fields.items() if value != "" and name not in expected
    }


@pytest.mark.parametrize(
    "value", ["evil.example/", "a@evil.example", "evil.example#", "evil.example?x=", "", " ", "a b", "-" * 70]
)
def test_a_field_does_not_lead_elsewhere(value: str) -> None:
    """A part of a host's name is one and nothing more; otherwise the credential has no token server."""
    data = with_defaults("zendeskOAuth2Api", {"subdomain": value})
    assert "accessTokenUrl" not in data


def test_other_types_are_left_alone() -> None:
    assert with_defaults("httpHeaderAuth", {"name": "X", "value": ""}) == {"name": "X", "value": ""}
    assert with_defaults("oAuth2Api", {"authUrl": ""}) == {"authUrl": ""}


@pytest.mark.parametrize(
    ("kept", "token"),
    [
        ({"access_token": "t"}, "t"),
        ('{"access_token": "t"}', "t"),
        ("", None),
        (None, None),
        ("no JSON", None),
        ([1], None),
    ],
)
def test_the_token_of_an_export_is_read_in_every_form(kept: object, token: str | None) -> None:
    assert token_of({"oauthTokenData": kept}).get("access_token") == token


@pytest.mark.parametrize(
    ("fields", "stays"),
    [({"clientId": "c", "clientSecret": "new"}, True), ({"clientId": "other"}, False), ({}, False),
     ({"clientId": "c", "oauthTokenData": {}}, False)],
)  # fmt: skip
def test_a_new_client_secret_keeps_the_account(fields: dict[str, Any], stays: bool) -> None:
    """Another client cannot use what was allowed to the first."""
    earlier = {"clientId": "c", "oauthTokenData": {"access_token": "t"}}
    assert bool(token_of(with_account_of(fields, earlier))) is stays


def test_the_address_of_the_vendor_has_what_the_vendor_wants() -> None:
    """Its own query stays, the credential's parameters come to it, and nothing of them can replace the state."""
    data = with_defaults("salesforceOAuth2Api", {"clientId": "c d"}) | {"authQueryParameters": "x=1&state=mine"}
    url = urlsplit(authorization_url("salesforceOAuth2Api", data, "https://api.example/cb", "S", "C"))
    assert url.netloc == "login.salesforce.com"
    assert parse_qs(url.query) == {
        "prompt": ["login"], "x": ["1"], "client_id": ["c d"], "redirect_uri": ["https://api.example/cb"], "response_type": ["code"],
        "state": ["S"], "scope": ["full refresh_token"], "code_challenge": ["C"], "code_challenge_method": ["S256"],
    }  # fmt: skip


def test_google_gives_a_refresh_token_only_when_it_is_asked_for_one() -> None:
    data = with_defaults("gmailOAuth2", {"clientId": "c"})
    query = parse_qs(urlsplit(authorization_url("gmailOAuth2", data, "r", "s", "c")).query)
    assert (query["access_type"], query["prompt"]) == (["offline"], ["consent"])
    assert uses_pkce("gmailOAuth2", data)


@pytest.mark.parametrize(
    ("type_", "data"),
    [
        ("httpHeaderAuth", {}),
        ("zendeskOAuth2Api", {"clientId": "c"}),
        ("beeminderOAuth2Api", {"clientId": "c"}),
        ("oAuth2Api", {"clientId": "c", "authUrl": "ftp://x.example", "accessTokenUrl": "https://x.example"}),
    ],
)
def test_no_account_is_connected_without_an_address(type_: str, data: dict[str, Any]) -> None:
    with pytest.raises(CredentialError):
        authorization_url(type_, with_defaults(type_, data), "r", "s", "")


def test_every_type_is_signed_as_oauth2_or_by_its_own_node() -> None:
    assert {type_ for type_ in TYPES if scheme(type_) != "oauth2"} == {"slackManagerOAuth2Api"}


def test_a_value_that_is_computed_otherwise_is_not_guessed(tmp_path: Path) -> None:
    """A table of a later n8n may have one: the script says so, and writes nothing."""
    header = "type\tgrantType\tauthUrl\taccessTokenUrl\tscope\tauthentication\tauthQueryParameters"
    table = tmp_path / "types.tsv"
    table.write_text(
        f'{header}\nnewOAuth2Api\tpkce\t={{{{$self["a"] + 1}}}}\thttps://t.example\t\tbody\t\n', encoding="utf-8"
    )
    with pytest.raises(ValueError, match="newOAuth2Api: authUrl is computed"):
        import_oauth2_types.read_types(table)
