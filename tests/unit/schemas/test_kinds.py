"""The words of kinds, modes and statuses are declared once, and on the wire they are the text that they always were."""

import json

import orjson
import pytest
from pydantic import ValidationError

from runtime.catalog import CATALOG
from schemas.kinds import Mode, RunStatus, TriggerKind
from schemas.run import StartInput
from service.execution_store import STATUSES
from service.run_reader import STATUS_NAMES


def test_a_start_is_the_same_json_with_members_and_with_text() -> None:
    start = StartInput(tenant="acme", template="t", trigger_kind=TriggerKind.POLL, mode=Mode.INTEGRATED)
    written = StartInput.model_validate(
        {"tenant": "acme", "template": "t", "trigger_kind": "poll", "mode": "integrated"}
    )
    assert orjson.dumps(start.to_json()) == orjson.dumps(written.to_json())
    assert json.dumps(start.to_json()) == json.dumps(written.to_json())
    assert start.to_json()["trigger_kind"] == "poll"


def test_workflow_code_gets_plain_text_whatever_started_it() -> None:
    """Text goes into items, hashes and search attributes: nothing may depend on how it was built."""
    for start in (StartInput(tenant="a", template="t"), StartInput(tenant="a", template="t", mode=Mode.ERROR)):
        assert type(start.trigger_kind) is str
        assert type(start.mode) is str


def test_a_kind_that_nobody_declared_is_refused() -> None:
    with pytest.raises(ValidationError):
        StartInput.model_validate({"tenant": "acme", "template": "t", "trigger_kind": "rest"})


def test_every_trigger_node_has_a_declared_kind() -> None:
    kinds = {each.trigger for type_ in CATALOG.types() for each in CATALOG.shapes(type_) if each.trigger is not None}
    assert kinds == set(TriggerKind) - {TriggerKind.API, TriggerKind.RETRY}


def test_temporals_statuses_are_the_declared_ones() -> None:
    assert set(STATUS_NAMES.values()) == set(RunStatus) == set(STATUSES)
    assert orjson.dumps(dict.fromkeys(STATUSES, RunStatus.RUNNING)) == orjson.dumps(dict.fromkeys(STATUSES, "running"))
