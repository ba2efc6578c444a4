"""Code of authors can be switched off, for a tenant or for all: publications are refused and runs fail in words."""

from typing import Any

import pytest

from api.dependencies import Dependencies
from runtime.contract import NodeError
from runtime.contract.capabilities.code import LIBRARY
from runtime.hosts.temporal.capabilities.code import WorkerCode
from runtime.platform.settings import Settings, SettingsError
from runtime.sandbox.runner import CodeRunner
from tests.exports import export, node, set_
from tests.service import application_with, client

CASES: list[tuple[str, dict[str, bool]]] = [
    ("", {"acme": True, "globex": True}),
    ("on", {"acme": True, "globex": True}),
    ("off", {"acme": False, "globex": False}),
    ("acme=off", {"acme": False, "globex": True}),
    ("*=off,acme=on", {"acme": True, "globex": False}),
]


@pytest.mark.parametrize(("text", "wanted"), CASES)
def test_who_may_run_code(text: str, wanted: dict[str, bool]) -> None:
    settings = Settings.load({"TEMPOR8_CODE": text})
    assert {tenant: settings.may_run_code(tenant) for tenant in wanted} == wanted


@pytest.mark.parametrize("text", ["no", "acme=maybe", "acme=off,globex"])
def test_a_malformed_switch_is_refused(text: str) -> None:
    """One that is read as "on" by mistake would be worse than no start."""
    with pytest.raises(SettingsError, match="TEMPOR8_CODE"):
        Settings.load({"TEMPOR8_CODE": text})


@pytest.mark.parametrize("text", ["0", "root", "9-5", "1-4294967295", "-5"])
def test_a_malformed_range_of_users_is_refused(text: str) -> None:
    """Root would be no wall at all."""
    with pytest.raises(SettingsError, match="TEMPOR8_SANDBOX_UID"):
        Settings.load({"TEMPOR8_SANDBOX_UID": text})


def test_a_range_of_users_and_a_single_one_are_read() -> None:
    assert Settings.load({"TEMPOR8_SANDBOX_UID": "70000-70063"}).sandbox_users == (70000, 70063)
    assert Settings.load({"TEMPOR8_SANDBOX_UID": "70000"}).sandbox_users == (70000, 70000)


async def test_a_run_fails_in_words_and_our_own_programs_run() -> None:
    """Reading a spreadsheet uses the same sandbox and is nobody's code."""
    task: Any = {"snapshot": {"items": [{"json": {}}]}, "meta": {"tenant": "acme"}}
    code = WorkerCode(CodeRunner(), task, allowed=False)
    for language in ("javascript", "python"):
        with pytest.raises(NodeError, match="Code nodes are switched off"):
            await code.run(language, "return []", "all")
    assert (await code.run("javascript", "return [{ json: {} }]", LIBRARY))["value"]["outcomes"][0]["data"]


PROGRAMS: dict[str, dict[str, Any]] = {
    "code": {"jsCode": "return []"},
    "function": {"functionCode": "return items"},
    "functionItem": {"functionCode": "return item"},
}


async def test_a_publication_and_a_check_name_the_nodes(dependencies: Dependencies, api_keys: tuple[str, str]) -> None:
    """Of the tenant that may run none; another's are published, and what has no code is, too."""
    nodes = [node(f"The {name}", name, **parameters) for name, parameters in PROGRAMS.items()]
    nodes.append(node("The query", "merge", version=3.2, mode="combineBySql", query="SELECT ``1`` AS a FROM input1"))
    with_code = export("With code", node("Start", "manualTrigger"), *nodes)
    without = export("Without", node("Start", "manualTrigger"), set_("Set", a="1"))
    app = application_with(dependencies, code={"acme": "off"})
    async with app.lifespan(), client(app, api_keys[0]) as acme, client(app, api_keys[1]) as globex:
        for path in ("/templates?key=switched", "/templates/check"):
            answer = await acme.post(path, json=with_code)
            assert answer.status_code == 403, answer.text
            assert answer.json()["type"] == "/problems/code-switched-off"
            assert answer.json()["nodes"] == ["The code", "The function", "The functionItem", "The query"]
        assert (await globex.post("/templates/check", json=with_code)).status_code == 200
        assert (await acme.post("/templates/check", json=without)).status_code == 200
