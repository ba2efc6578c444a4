"""Log lines are JSON, and no secret is in them."""

import io
import json
import logging
import sys

import pytest

from runtime.platform.telemetry.logging import BLOT, configure, get_logger, redact

KEY = "t8_acme_" + "0a" * 24


@pytest.mark.parametrize(
    "value",
    [
        {"password": "canary"},
        {"apiKey": "canary"},
        {"x-api-key": "canary"},
        {"headers": {"Authorization": "canary"}},
        {"deep": [{"client_secret": "canary"}]},
        {"set-cookie": "canary"},
        {"credentials": {"any": "canary"}},
        "postgresql://user:canary@host/db",
        "Authorization: Bearer canary.canary.canary",
        "sk-canary1234567890123456",
        "hvs.canary1234567890123456",
    ],
)
def test_a_secret_is_blotted_out_by_name_or_shape(value: object) -> None:
    assert "canary" not in json.dumps(redact(value))
    assert BLOT in json.dumps(redact(value))


@pytest.mark.parametrize(
    "value", [{"idempotency_key": "a-b"}, {"template_key": "x"}, "a sentence about tokens: none", {"tokens": 12}]
)
def test_what_is_no_secret_stays(value: object) -> None:
    assert redact(value) == value


def test_lines_of_ours_and_of_libraries_are_json_on_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        configure("info")
        get_logger("tempor8.test").info("run started", tenant="acme", token="canary", key=KEY)
        logging.getLogger("library").warning("connecting to %s", "postgresql://u:canary@h/d")
        logging.getLogger("library").debug("quiet")
    finally:
        root.handlers, root.level = handlers, level
    ours, theirs = (json.loads(line) for line in out.getvalue().splitlines())
    assert ours["event"] == "run started"
    assert ours["tenant"] == "acme"
    assert theirs["level"] == "warning"
    assert "canary" not in out.getvalue()
    assert KEY not in out.getvalue()
