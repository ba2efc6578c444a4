"""Credentials stay home: what goes out with one is seen by two servers, of which the credential is for the first."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from tests.security.credential_world import Server, answer, node, redirect, run_node, run_nodes, target
from tests.security.test_egress import own_certificate

CANARY = "CANARY-4f1d"
GENERIC: dict[str, Mapping[str, Any]] = {
    "httpBasicAuth": {"user": "user", "password": CANARY},
    "httpBearerAuth": {"token": CANARY},
    "httpHeaderAuth": {"name": "X-Key", "value": CANARY},
    "httpQueryAuth": {"name": "key", "value": CANARY},
    "httpDigestAuth": {"user": "user", "password": CANARY},
    "httpCustomAuth": {
        "json": f'{{"headers": {{"X-A": "{CANARY}"}}, "qs": {{"q": "{CANARY}"}}, "body": {{"b": "{CANARY}"}}}}'
    },
    "httpMultipleHeadersAuth": {
        "headers": {"values": [{"name": "X-1", "value": CANARY}, {"name": "Cookie", "value": CANARY}]}
    },
    "oAuth2Api": {"grantType": "authorizationCode", "oauthTokenData": {"access_token": CANARY}},
    "oAuth1Api": {
        "consumerKey": CANARY,
        "consumerSecret": "s",
        "oauthTokenData": {"oauth_token": CANARY, "oauth_token_secret": "t"},
    },
}
VERSIONS = (3, 4, 4.2, 4.3, 4.4, 4.5)
IN_VERSION_1 = {
    "httpBasicAuth": "basicAuth",
    "httpHeaderAuth": "headerAuth",
    "httpQueryAuth": "queryAuth",
    "httpDigestAuth": "digestAuth",
    "oAuth2Api": "oAuth2",
}
MARKS = (CANARY, "Digest ", "dXNlcjpDQU5BUlk", "authorization:")
"""What a request shows of a credential: its value, the answer to a challenge, its Base64, the header of a signature."""


@pytest.fixture
async def home() -> AsyncIterator[Server]:
    """The server that the credential is for."""
    server = Server()
    await server.start()
    yield server
    server.stop()


@pytest.fixture
async def foreign() -> AsyncIterator[Server]:
    """Somebody else's server, which asks for everything."""
    server = Server()
    await server.start()
    challenge = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"'
    server.answers["/"] = answer("{}", "401 Unauthorized", challenge)
    yield server
    server.stop()


def modern(type_: str, url: str, **more: Any) -> dict[str, Any]:
    """Return the parameters of HTTP Request from version 3 on."""
    chosen = {"authentication": "genericCredentialType", "genericAuthType": type_}
    options = {"redirect": {"redirect": {"followRedirects": True}}} | more.pop("options", {})
    return {"url": url, **chosen, "options": options, **more}


def shown(server: Server) -> list[str]:
    """Return the requests that show something of a credential."""
    return [each for each in server.seen if any(mark.lower() in each.lower() for mark in MARKS)]


@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("type_", GENERIC)
async def test_nothing_of_a_credential_follows_a_redirect_to_another_origin(
    type_: str, version: float, status: int, home: Server, foreign: Server
) -> None:
    home.answers["/begin"] = redirect(f"{foreign.url}/", status)
    body = {"sendBody": True, "bodyParameters": {"parameters": [{"name": "own", "value": "mine"}]}}
    await run_node(
        "n8n-nodes-base.httpRequest",
        version,
        modern(type_, f"{home.url}/begin", method="POST", **body),
        {type_: GENERIC[type_]},
    )
    assert len(foreign.seen) == 1  # it was followed, without the credential, and what the author wrote went along
    assert ("mine" in foreign.seen[0]) is (status == 307)
    assert shown(foreign) == []
    if type_ != "httpDigestAuth":  # which shows itself to a challenge only
        assert len(shown(home)) == 1


@pytest.mark.parametrize("type_", IN_VERSION_1)
async def test_nothing_of_a_credential_follows_a_redirect_in_version_1(
    type_: str, home: Server, foreign: Server
) -> None:
    home.answers["/begin"] = redirect(f"{foreign.url}/")
    parameters = {"url": f"{home.url}/begin", "authentication": IN_VERSION_1[type_], "options": {}}
    await run_node("n8n-nodes-base.httpRequest", 1, parameters, {type_: GENERIC[type_]})
    assert len(foreign.seen) == 1
    assert shown(foreign) == []


@pytest.mark.parametrize("type_", GENERIC)
async def test_a_credential_follows_a_redirect_on_its_own_origin(type_: str, home: Server) -> None:
    home.answers["/begin"] = redirect("/end")
    challenge = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"'
    if type_ == "httpDigestAuth":
        home.answers["/end"] = answer("{}", "401 Unauthorized", challenge)
    await run_node("n8n-nodes-base.httpRequest", 4.2, modern(type_, f"{home.url}/begin"), {type_: GENERIC[type_]})
    at_the_end = [each for each in shown(home) if " /end" in each]
    # a query is the server's to repeat, in its Location
    assert bool(at_the_end) is (type_ != "httpQueryAuth")


async def test_what_was_dropped_stays_dropped_when_a_redirect_leads_back(home: Server, foreign: Server) -> None:
    home.answers["/begin"] = redirect(f"{foreign.url}/back")
    foreign.answers["/back"] = redirect(f"{home.url}/end")
    await run_node(
        "n8n-nodes-base.httpRequest", 4.2, modern("httpHeaderAuth", f"{home.url}/begin"),
        {"httpHeaderAuth": GENERIC["httpHeaderAuth"]},
    )  # fmt: skip
    assert [bool(CANARY in each) for each in home.seen] == [True, False]


async def test_an_author_who_sends_credentials_across_needs_the_owners_word(home: Server, foreign: Server) -> None:
    home.answers["/begin"] = redirect(f"{foreign.url}/")
    wish = {"options": {"sendCredentialsOnCrossOriginRedirect": True}}
    parameters = modern("httpHeaderAuth", f"{home.url}/begin", **wish)
    key = GENERIC["httpHeaderAuth"]
    error = await run_node("n8n-nodes-base.httpRequest", 4.4, parameters, {"httpHeaderAuth": key})
    assert "was not sent to 127.0.0.1" in error["message"]
    assert foreign.seen == []
    allowed = {**key, "allowedHttpRequestDomains": "domains", "allowedDomains": f"{home.host}, {foreign.host}"}
    await run_node("n8n-nodes-base.httpRequest", 4.4, parameters, {"httpHeaderAuth": allowed})
    assert len(shown(foreign)) == 1


@pytest.mark.parametrize("type_", GENERIC)
async def test_an_address_made_of_data_takes_no_credential_anywhere(type_: str, foreign: Server) -> None:
    error = await run_node(
        "n8n-nodes-base.httpRequest", 4.2, modern(type_, "={{ $json.to }}"), {type_: GENERIC[type_]},
        item={"to": f"{foreign.url}/"},
    )  # fmt: skip
    assert foreign.seen == []
    assert f"tempor8 credentials allow acme {type_} 'my {type_}' {foreign.host}" in error["message"]


async def test_a_computed_address_may_lead_to_a_constant_host_of_the_same_workflow(
    home: Server, foreign: Server
) -> None:
    name = "httpHeaderAuth"
    other = node("Other", "n8n-nodes-base.httpRequest", 4.2, modern(name, f"{home.url}/list"), [name])
    for server, requests in ((home, 1), (foreign, 0)):
        await run_node(
            "n8n-nodes-base.httpRequest", 4.2, modern(name, "={{ $json.to }}"), {name: GENERIC[name]},
            item={"to": f"{server.url}/x"}, others=(other,),
        )  # fmt: skip
        assert len(server.seen) == requests


STATEMENTS = [
    ("all", "", 1, "n8n writes `all` into every credential: the constant host counts"),
    ("domains", "{home}", 1, "the host is listed"),
    ("domains", "127.0.0.1", 1, "the host is listed, with any port"),
    ("domains", "*", 1, "the owner says: every host"),
    ("domains", "*.example.com, 127.0.0.1", 1, "one of several is the host"),
    ("domains", "example.com", 0, "the owner's list goes before the author's address"),
    ("domains", "", 0, "an empty list allows nothing"),
    ("domains", "*.0.0.1", 1, "a wildcard stands for what is below the domain"),
    ("domains", "*.127.0.0.1", 0, "a wildcard does not stand for the domain itself"),
    ("domains", "not a host", 0, "a list that cannot be read allows nothing"),
    ("none", "", 0, "the owner keeps the credential out of HTTP requests"),
]


@pytest.mark.parametrize(("mode", "domains", "requests", "why"), STATEMENTS, ids=[each[3] for each in STATEMENTS])
async def test_the_owners_statement_in_n8ns_fields_holds(
    mode: str, domains: str, requests: int, why: str, home: Server
) -> None:
    del why
    said = {"allowedHttpRequestDomains": mode, "allowedDomains": domains.format(home=home.host)}
    key = {"httpHeaderAuth": {**GENERIC["httpHeaderAuth"], **said}}
    error = await run_node("n8n-nodes-base.httpRequest", 4.2, modern("httpHeaderAuth", f"{home.url}/"), key)
    assert len(home.seen) == requests
    assert ("was not sent to 127.0.0.1" in error.get("message", "")) is (requests == 0)


async def test_the_next_address_of_a_pagination_gets_no_credential_elsewhere(home: Server, foreign: Server) -> None:
    home.answers["/1"] = answer(f'{{"next": "{foreign.url}/2", "rows": [1]}}')
    paging = {
        "paginationMode": "responseContainsNextURL",
        "nextURL": "={{ $response.body.next }}",
        "limitPagesFetched": True,
        "maxRequests": 2,
    }
    for version in (4.2, 4.5):
        parameters = modern("httpBasicAuth", f"{home.url}/1", options={"pagination": {"pagination": paging}})
        key = {"httpBasicAuth": GENERIC["httpBasicAuth"]}
        error = await run_node("n8n-nodes-base.httpRequest", version, parameters, key)
        assert "was not sent to 127.0.0.1" in error["message"]
    assert foreign.seen == []
    assert len(home.seen) == 2


async def test_a_vendors_credential_goes_to_the_vendor_and_nowhere_else(foreign: Server) -> None:
    parameters = {
        "url": f"{foreign.url}/",
        "authentication": "predefinedCredentialType",
        "nodeCredentialType": "githubApi",
        "options": {},
    }
    data = {"accessToken": CANARY, "allowedHttpRequestDomains": "domains", "allowedDomains": "api.github.com"}
    error = await run_node("n8n-nodes-base.httpRequest", 4.2, parameters, {"githubApi": data})
    assert "it is for api.github.com" in error["message"]
    assert foreign.seen == []


async def test_graphql_is_bound_as_well(foreign: Server) -> None:
    parameters = {"endpoint": "={{ $json.to }}", "query": "{ a }", "authentication": "headerAuth"}
    key = {"httpHeaderAuth": GENERIC["httpHeaderAuth"]}
    error = await run_node("n8n-nodes-base.graphql", 1.1, parameters, key, item={"to": f"{foreign.url}/"})
    assert "was not sent to" in error["message"]
    assert foreign.seen == []


async def test_a_token_is_fetched_from_the_credentials_own_server_and_goes_to_its_hosts_only(
    home: Server, foreign: Server
) -> None:
    tokens = Server()
    await tokens.start()
    tokens.answers["/token"] = answer(f'{{"access_token": "{CANARY}"}}')
    key = {
        "grantType": "clientCredentials", "accessTokenUrl": f"{tokens.url}/token", "clientId": "c",
        "clientSecret": CANARY, "oauthTokenData": {},
    }  # fmt: skip
    await run_node("n8n-nodes-base.httpRequest", 4.2, modern("oAuth2Api", f"{home.url}/"), {"oAuth2Api": key})
    error = await run_node(
        "n8n-nodes-base.httpRequest", 4.2, modern("oAuth2Api", "={{ $json.to }}"), {"oAuth2Api": key},
        item={"to": foreign.url},
    )  # fmt: skip
    tokens.stop()
    assert len(tokens.seen) == 2
    assert len(shown(home)) == 1
    assert foreign.seen == []
    assert "was not sent to" in error["message"]


ANSWER = '{"choices": [{"message": {"role": "assistant", "content": "hello"}}]}'


async def ask_model(base: str, key: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    """Run a chain with OpenAI's model whose address its author chose."""
    chain = node("Chain", "@n8n/n8n-nodes-langchain.chainLlm", 1.5, {"promptType": "define", "text": "hi"}, [])
    options = {"model": "gpt-4o-mini", "options": {"baseURL": base, "maxRetries": 0}}
    model = node("Model", "@n8n/n8n-nodes-langchain.lmChatOpenAi", 1.1, options, ["openAiApi"])
    connections = {
        "Start": {"main": [[target("Chain")]]},
        "Model": {"ai_languageModel": [[target("Chain", "ai_languageModel")]]},
    }
    return await run_nodes([chain, model], connections, {"openAiApi": key}, item)


async def test_the_key_of_a_model_goes_where_its_author_or_owner_wrote_and_nowhere_else(
    home: Server, foreign: Server
) -> None:
    home.answers["/v1/chat/completions"] = answer(ANSWER)
    key = {"apiKey": CANARY}
    assert await ask_model(f"{home.url}/v1", key, {}) == {}
    own = {"apiKey": CANARY, "url": f"{home.url}/v1"}  # the owner's own address, in the credential
    assert await ask_model("={{ $json.to }}", own, {"to": f"{home.url}/v1"}) == {}
    error = await ask_model("={{ $json.to }}", own, {"to": f"{foreign.url}/v1"})
    assert "was not sent to" in error["message"]
    assert len(shown(home)) == 2
    assert foreign.seen == []


async def test_a_redirect_takes_no_key_of_a_model_along(home: Server, foreign: Server) -> None:
    home.answers["/v1/chat/completions"] = redirect(f"{foreign.url}/v1/chat/completions", 307)
    both = {"allowedHttpRequestDomains": "domains", "allowedDomains": f"{home.host},{foreign.host}"}
    error = await ask_model(f"{home.url}/v1", {"apiKey": CANARY, **both}, {})
    assert "a server of another origin redirected the request there" in error["message"]
    assert foreign.seen == []


async def test_a_client_certificate_stays_home_as_well(home: Server, foreign: Server) -> None:
    parameters = {"url": "={{ $json.to }}", "provideSslCertificates": True, "options": {}}
    error = await run_node(
        "n8n-nodes-base.httpRequest", 4.2, parameters, {"httpSslAuth": own_certificate()}, item={"to": foreign.url}
    )
    assert "The credential 'my httpSslAuth' (httpSslAuth) was not sent to" in error["message"]
    assert foreign.seen == []
    broken = {"cert": "no certificate", "key": CANARY}
    error = await run_node("n8n-nodes-base.httpRequest", 4.2, parameters | {"url": home.url}, {"httpSslAuth": broken})
    assert "client certificate of the credential httpSslAuth cannot be used" in error["message"]
    assert home.seen == []
