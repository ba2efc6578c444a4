"""The blueprint for Dokploy: its template and its Compose file fit each other, and the files of `deploy/`. No Dokploy takes part."""

import os
import re
import subprocess
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.main import VERBS
from runtime.platform.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
BLUEPRINT = DEPLOY / "dokploy"
FUNCTION = re.compile(r"\$\{(?:domain|base64:\d+|password:\d+)\}")
TEMPLATE: dict[str, Any] = tomllib.loads((BLUEPRINT / "template.toml").read_text("utf-8"))
COMPOSE: dict[str, Any] = yaml.safe_load((BLUEPRINT / "docker-compose.yml").read_text("utf-8"))


def test_every_secret_is_generated_and_every_variable_defined() -> None:
    assert all(FUNCTION.fullmatch(value) for value in TEMPLATE["variables"].values())
    used = set(re.findall(r"\$\{(\w+)\}", (BLUEPRINT / "docker-compose.yml").read_text("utf-8")))
    assert used == set(TEMPLATE["config"]["env"])
    for value in TEMPLATE["config"]["env"].values():
        assert set(re.findall(r"\$\{(\w+)\}", value)) <= set(TEMPLATE["variables"])


def test_the_files_that_are_mounted_are_those_of_the_repository() -> None:
    mounts = {each["filePath"]: each["content"] for each in TEMPLATE["config"]["mounts"]}
    mounted = {
        volume.removeprefix("../files/").partition(":")[0]
        for service in COMPOSE["services"].values()
        for volume in service.get("volumes", ())
        if volume.startswith("../files/")
    }
    assert mounted == set(mounts)
    for name, content in mounts.items():
        assert content == (DEPLOY / name).read_text("utf-8"), f"{name} has changed: write it into template.toml"


def test_the_domain_leads_to_a_service_and_no_service_takes_a_port_of_the_host() -> None:
    (domain,) = TEMPLATE["config"]["domains"]
    assert str(domain["port"]) in COMPOSE["services"][domain["serviceName"]]["expose"]
    assert not [name for name, each in COMPOSE["services"].items() if "ports" in each or "container_name" in each]


@pytest.mark.parametrize("name", ["migrate", "worker", "api"])
def test_our_services_have_settings_and_commands_that_exist(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["command"][0] in VERBS
    known = {
        str(each)
        for field in Settings.model_fields.values()
        for each in getattr(field.validation_alias, "choices", [field.validation_alias])
    }
    assert set(service["environment"]) <= known
    assert ("DATABASE_ADMIN_URL" in service["environment"]) == (name == "migrate")


def test_compose_accepts_the_file() -> None:
    program = Path(sysconfig.get_path("scripts")) / "docker-compose"
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **dict.fromkeys(TEMPLATE["config"]["env"], "x")}
    done = subprocess.run(
        [program, "-f", BLUEPRINT / "docker-compose.yml", "config", "-q"], env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
