"""Templates: compiled on upload, immutable versions, one current pointer, activation."""

from typing import Any

import httpx
import pytest

from service.compiling import CompilePool, CompilerCrash
from tests.exports import export, greeting, node, set_
from tests.service import ended, started

pytestmark = pytest.mark.usefixtures("worker")


async def test_the_list_says_what_each_template_is(acme: httpx.AsyncClient, published: dict[str, Any]) -> None:
    items = {item["key"]: item for item in (await acme.get("/templates")).json()["items"]}
    template = items["greeting"]
    assert template["name"] == "Greeting"
    assert template["version"] == 1
    assert template["triggers"] == ["manual"]
    assert template["nodes"] == 3
    assert template["shared"] is False
    assert template["plan_hash"] == published["greeting"]["plan_hash"]


async def test_publishing_again_makes_a_version_and_the_same_plan_does_not(acme: httpx.AsyncClient) -> None:
    params = {"key": "versioned"}
    one = await acme.post("/templates", params=params, json=greeting())
    same = await acme.post("/templates", params=params, json=greeting())
    changed = greeting()
    changed["nodes"][2]["name"] = "Finish"
    changed["connections"]["Greet"]["main"][0][0]["node"] = "Finish"
    two = await acme.post("/templates", params=params, json=changed)
    assert [answer.status_code for answer in (one, same, two)] == [201, 200, 201]
    assert [answer.json()["version"] for answer in (one, same, two)] == [1, 1, 2]
    versions = (await acme.get("/templates/versioned/versions")).json()["items"]
    assert [(each["version"], each["current"]) for each in versions] == [(2, True), (1, False)]
    run = await started(acme, "versioned", {"name": "x"})
    assert (await ended(acme, run))["progress"]["last_node"] == "Finish"


async def test_an_earlier_version_can_become_current_again(acme: httpx.AsyncClient) -> None:
    params = {"key": "rollback"}
    await acme.post("/templates", params=params, json=greeting())
    await acme.post(
        "/templates", params=params, json=export("Other", node("Start", "manualTrigger"), set_("Other", a="1"))
    )
    answer = await acme.post("/templates/rollback/activate", params={"version": 1})
    assert answer.status_code == 200, answer.text
    assert (await ended(acme, await started(acme, "rollback", {})))["progress"]["last_node"] == "End"
    assert (await acme.post("/templates/rollback/activate", params={"version": 9})).status_code == 404


async def test_an_export_with_errors_is_refused_with_the_compilers_diagnostics(acme: httpx.AsyncClient) -> None:
    bad = export("Bad", node("Start", "manualTrigger"), node("What", "noSuchNode"), set_("Broken", a="={{ $json. }}"))
    answer = await acme.post("/templates", params={"key": "bad"}, json=bad)
    assert answer.status_code == 422
    document = answer.json()
    assert document["type"] == "/problems/does-not-compile"
    errors = {each["code"]: each for each in document["diagnostics"] if each["severity"] == "error"}
    assert "N8T301" in errors
    assert errors["N8T301"]["node"] == "What"
    assert errors["N8T301"]["line"] == 1
    syntax = [each for each in document["diagnostics"] if each["node"] == "Broken" and each["severity"] == "warning"]
    assert syntax
    assert syntax[0]["column"] > 1
    assert (await acme.get("/templates/bad/versions")).status_code == 404


@pytest.mark.parametrize("body", [b"not json", b"[]", b'{"a": 1}', b"", b"\xff\xfe"])
async def test_what_is_no_export_is_refused(acme: httpx.AsyncClient, body: bytes) -> None:
    answer = await acme.post("/templates", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["diagnostics"]


async def test_a_key_that_would_not_fit_into_an_address_is_refused(acme: httpx.AsyncClient) -> None:
    answer = await acme.post("/templates", params={"key": "a b/c"}, json=greeting())
    assert answer.status_code == 400


async def test_the_key_is_made_from_the_name_when_none_is_given(acme: httpx.AsyncClient) -> None:
    answer = await acme.post("/templates", json=greeting() | {"name": "Über: Greeting, again!"})
    assert answer.status_code == 201
    assert answer.json()["key"] == "ber_greeting_again"


async def test_what_one_tenant_publishes_another_neither_sees_nor_starts(
    globex: httpx.AsyncClient, published: dict[str, Any]
) -> None:
    assert "greeting" in published
    listed = (await globex.get("/templates")).json()["items"]
    assert "greeting" not in [each["key"] for each in listed]  # shared ones of other tests may be there
    assert (await globex.get("/templates/greeting/versions")).status_code == 404
    assert (await globex.post("/templates/greeting/activate")).status_code == 404
    answer = await globex.post("/workflows/start", json={"workflow_template": "greeting"})
    assert answer.status_code == 404
    assert "greeting" not in answer.json()["available"]


async def test_checking_says_what_publishing_would_and_publishes_nothing(acme: httpx.AsyncClient) -> None:
    bad = export("Bad", node("Start", "manualTrigger"), node("What", "noSuchNode"))
    checked, refused = await acme.post("/templates/check", json=bad), await acme.post("/templates", json=bad)
    assert checked.status_code == refused.status_code == 422
    assert checked.json()["diagnostics"] == refused.json()["diagnostics"]
    fine = await acme.post(
        "/templates/check", json=export("Only checked", node("Start", "manualTrigger"), node("End", "noOp"))
    )
    assert fine.status_code == 200
    assert fine.json()["runnable"] is True
    assert [each["grade"] for each in fine.json()["verdicts"]] == ["exact", "exact"]
    assert "only_checked" not in {each["key"] for each in (await acme.get("/templates")).json()["items"]}


@pytest.mark.parametrize("path", ["/templates?key=crashed", "/templates/check"])
async def test_a_crash_of_the_compiler_is_no_fault_of_the_export(
    acme: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Its last words are in the log alone."""

    async def crash(*_: Any, **__: Any) -> None:
        raise CompilerCrash("The compiler ended with -11: last words")

    monkeypatch.setattr(CompilePool, "compile", crash)
    answer = await acme.post(path, json=greeting())
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (500, "/problems/internal-error")
    assert problem["detail"].startswith("The compiler crashed; nothing was published.")
    assert problem["incident"]
    assert "last words" not in answer.text
