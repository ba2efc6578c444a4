"""`tempor8 serve`, `tenants` and `workflow` as processes of their own, beside the real servers."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.embedded.process import free_port
from runtime.platform.postgres import Database
from tests.exports import greeting
from tests.service import eventually

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("worker")]


@pytest.fixture(scope="module")
def environment(embedded: EmbeddedProfile) -> dict[str, str]:
    """What a process of ours sees."""
    return {**os.environ, **embedded.environment(), "TEMPOR8_PORT": str(free_port(0))}


def verb(environment: dict[str, str], *arguments: str, code: int = 0, text: str = "") -> str:
    """What a verb prints."""
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        env=environment, capture_output=True, text=True, input=text, check=False, timeout=90,
    )  # fmt: skip
    assert done.returncode == code, f"{done.returncode}: {done.stdout} {done.stderr}"
    return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def url(environment: dict[str, str]) -> Iterator[str]:
    """A served API."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([sys.executable, "-m", "cli.main", "serve"], env=environment, stderr=log)
        yield f"http://127.0.0.1:{environment['TEMPOR8_PORT']}"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        log.seek(0)
        assert b"Traceback" not in log.read()


async def ready(url: str) -> None:
    async def answers() -> bool:
        async with httpx.AsyncClient() as client:
            try:
                return (await client.get(f"{url}/readyz")).status_code == 200
            except httpx.TransportError:
                return False

    await eventually(answers, 60)


async def test_from_a_new_tenant_to_a_result_by_the_command_line_alone(
    environment: dict[str, str], url: str, tmp_path: Path
) -> None:
    await ready(url)
    made = await asyncio.to_thread(verb, environment, "tenants", "create", "verbs", "--name", "Verbs")
    key = made.strip()
    assert key.startswith("t8_verbs_")
    async with httpx.AsyncClient(base_url=url, headers={"X-API-Key": key}) as client:
        answer = await client.post("/templates", params={"key": "greeting"}, json=greeting())
        assert answer.status_code == 201
    shell = {**environment, "TEMPOR8_API_KEY": key, "TEMPOR8_URL": url}

    def workflow(*arguments: str, **rest: Any) -> Any:
        printed = verb(shell, "workflow", *arguments, **rest)
        return json.loads(printed) if rest.get("code", 0) == 0 else printed

    sample = tmp_path / "input.json"
    sample.write_text('{"name": "Ada"}', encoding="utf-8")
    result = await asyncio.to_thread(workflow, "start", "greeting", "--input", str(sample), "--wait")
    assert result["outputs"][0][0]["json"]["greeting"] == "Hello Ada"
    run = (await asyncio.to_thread(workflow, "start", "greeting", "-i", "-", text='{"name": "Grace"}'))["workflow_id"]
    assert (await asyncio.to_thread(workflow, "result", run, "--wait", "20"))["status"] == "completed"
    assert (await asyncio.to_thread(workflow, "status", run))["progress"]["steps_done"] == 3
    assert [step["node"] for step in (await asyncio.to_thread(workflow, "history", run))["steps"]] == [
        "Start", "Greet", "End"
    ]  # fmt: skip
    recorded = await asyncio.to_thread(verb, environment, "test", "--record", run)
    case = tmp_path / "case.json"
    case.write_text(recorded, encoding="utf-8")
    assert json.loads(recorded)["expected"]["nodes"]["Greet"][0]["outputs"][0][0]["greeting"] == "Hello Grace"
    assert "1 of 1 cases passed" in await asyncio.to_thread(verb, environment, "test", str(case))
    missing = await asyncio.to_thread(verb, environment, "test", "--record", "verbs:greeting:none", code=2)
    assert "there is no run 'verbs:greeting:none'" in missing
    assert "has ended" in await asyncio.to_thread(workflow, "cancel", run, code=1)
    assert "no template" in await asyncio.to_thread(workflow, "start", "nothing", code=1)
    listed = await asyncio.to_thread(workflow, "list", "--template", "greeting")
    assert isinstance(listed["items"], list)
    keys = await asyncio.to_thread(verb, environment, "tenants", "keys", "verbs")
    await asyncio.to_thread(verb, environment, "tenants", "revoke", "verbs", keys.split()[0])
    assert "revoked" in await asyncio.to_thread(verb, environment, "tenants", "keys", "verbs")


async def test_exports_are_published_from_files_and_a_running_api_knows_them_at_once(
    environment: dict[str, str], url: str, tmp_path: Path
) -> None:
    await ready(url)
    key = (await asyncio.to_thread(verb, environment, "tenants", "create", "publisher")).strip()
    (tmp_path / "hello.json").write_text(json.dumps(greeting()), encoding="utf-8")
    async with httpx.AsyncClient(base_url=url, headers={"X-API-Key": key}) as client:
        body = {"workflow_template": "hello", "input_data": {"name": "x"}}
        assert (await client.post("/workflows/start", json=body)).status_code == 404
        for expected in ("published hello version 1", "unchanged hello version 1"):
            printed = await asyncio.to_thread(verb, environment, "publish", str(tmp_path), "--tenant", "publisher")
            assert printed.startswith(expected)
        assert (await client.post("/workflows/start", json=body)).json()["template_version"] == 1
        changed = greeting() | {"settings": {"executionOrder": "v0"}}
        (tmp_path / "hello.json").write_text(json.dumps(changed), encoding="utf-8")
        await asyncio.to_thread(verb, environment, "publish", str(tmp_path), "--tenant", "publisher")
        assert (await client.post("/workflows/start", json=body)).json()["template_version"] == 2
    (tmp_path / "bad.json").write_text(
        '{"nodes": [{"name": "X", "type": "nope"}], "connections": {}}', encoding="utf-8"
    )
    told = await asyncio.to_thread(verb, environment, "publish", str(tmp_path), "-t", "publisher", code=1)
    assert "bad.json" in told


async def test_a_key_for_a_tenant_that_is_not_there_and_a_bad_name_are_refused(environment: dict[str, str]) -> None:
    assert "no such tenant" in await asyncio.to_thread(verb, environment, "tenants", "key", "nobody", code=1)
    assert "cannot be a tenant's id" in await asyncio.to_thread(verb, environment, "tenants", "create", "a:b", code=2)


async def test_where_no_api_answers_the_verb_says_how_to_start_it(environment: dict[str, str]) -> None:
    told = await asyncio.to_thread(
        verb, environment, "workflow", "list", "--url", "http://127.0.0.1:1", "--key", "t8_x", code=2
    )
    assert "tempor8 serve" in told


async def test_a_role_that_row_level_security_does_not_bind_is_refused(
    environment: dict[str, str], embedded: EmbeddedProfile
) -> None:
    admin = embedded.addresses.database_admin_url
    assert admin is not None
    unsafe = {**environment, "DATABASE_URL": admin, "TEMPOR8_PORT": str(free_port(0))}
    assert "row-level security" in await asyncio.to_thread(verb, unsafe, "serve", code=2)


async def test_an_address_at_which_somebody_listens_is_told_at_once(environment: dict[str, str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        taken = {**environment, "TEMPOR8_PORT": str(port)}
        told = await asyncio.to_thread(verb, taken, "serve", code=2)
    assert told.startswith(f"cannot listen at 127.0.0.1:{port} (Address already in use)")
    assert "--port" in told


async def test_credentials_are_set_from_standard_input_and_from_an_export_of_n8n(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """They are listed without their values, deleted by name, and of one tenant."""
    for tenant in ("lender", "other"):
        await asyncio.to_thread(verb, environment, "tenants", "create", tenant, "--no-key")

    async def credentials(*arguments: str, **rest: Any) -> str:
        return await asyncio.to_thread(verb, environment, "credentials", *arguments, **rest)

    await credentials("set", "lender", "httpHeaderAuth", "Key", text='{"name": "X-Key", "value": "hush"}')
    exported = [{"id": "1", "name": "Post", "type": "smtp", "data": {"user": "u", "password": "hush"}}]
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps(exported), encoding="utf-8")
    assert await credentials("import", "lender", str(file)) == "smtp  Post\n"
    assert await credentials("list", "lender") == "httpHeaderAuth  Key\nsmtp  Post\n"
    assert await credentials("list", "other") == ""
    await credentials("delete", "lender", "smtp", "Post")
    assert "no credential 'Post' of type smtp" in await credentials("delete", "lender", "smtp", "Post", code=1)
    assert await credentials("list", "lender") == "httpHeaderAuth  Key\n"


@pytest.mark.parametrize(
    ("arguments", "text", "code", "message"),
    [
        (("set", "lender2", "smtp", "Post"), "hush{", 2, "standard input: not JSON"),
        (("set", "lender2", "smtp", "Post"), '["hush"]', 2, "the fields are a JSON object"),
        (("import", "lender2", "-"), '[{"name": "P", "type": "smtp", "data": "hush"}]', 2, "--decrypted"),
        (("set", "lender2", "smtp", ""), '{"password": "hush"}', 2, "has a type and a name"),
        (("import", "lender2", "-"), '{"nodes": "hush"}', 2, "no export of n8n's credentials"),
        (("import", "lender2", "/nowhere.json"), "", 2, "/nowhere.json: No such file"),
        (("set", "nobody", "smtp", "Post"), '{"password": "hush"}', 1, "there is no such tenant"),
    ],
)
async def test_what_is_no_credential_is_told_without_showing_it(
    environment: dict[str, str], arguments: tuple[str, ...], text: str, code: int, message: str
) -> None:
    told = await asyncio.to_thread(verb, environment, "credentials", *arguments, text=text, code=code)
    assert message in told
    assert "hush" not in told


async def test_an_operator_opens_hosts_for_a_tenant(environment: dict[str, str], database: Database) -> None:
    await asyncio.to_thread(verb, environment, "tenants", "create", "inside", "--no-key")
    await asyncio.to_thread(verb, environment, "tenants", "allow", "inside", "10.1.0.0/16", "db.internal:5432")
    async with database.tenant_transaction("inside") as connection:
        row = await (await connection.execute("select egress_allow from tenants where id = 'inside'")).fetchone()
    assert row == {"egress_allow": ["10.1.0.0/16", "db.internal:5432"]}
    assert await asyncio.to_thread(verb, environment, "tenants", "allow", "inside", "300.1.2.3/99", code=2)
    assert "no such tenant" in await asyncio.to_thread(verb, environment, "tenants", "allow", "nobody", "x.y", code=1)


async def test_an_empty_database_is_brought_up_to_date_and_its_login_made(
    environment: dict[str, str], embedded: EmbeddedProfile
) -> None:
    """Once; the second time there is nothing to do. Its owner's address is needed, and told where it is missing."""
    admin = embedded.addresses.database_admin_url
    assert admin is not None
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("create database fresh")
    at = urlsplit(admin)._replace(path="/fresh")
    app = at._replace(netloc=f"newcomer:secret@{at.netloc.rpartition('@')[2]}")
    fresh = {**environment, "DATABASE_ADMIN_URL": at.geturl(), "DATABASE_URL": app.geturl()}
    first = await asyncio.to_thread(verb, fresh, "migrate")
    assert first.startswith("applied 0001_")
    assert await asyncio.to_thread(verb, fresh, "migrate") == "the database is up to date\n"
    assert "t8_fresh_" in await asyncio.to_thread(verb, fresh, "tenants", "create", "fresh")
    without = {name: value for name, value in fresh.items() if name != "DATABASE_ADMIN_URL"}
    assert "set DATABASE_ADMIN_URL" in await asyncio.to_thread(verb, without, "migrate", code=2)
