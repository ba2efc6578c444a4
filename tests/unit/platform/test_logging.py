"""Log lines are JSON, and no secret is in them."""

import io
import json
import logging
import sys

import pytest

from runtime.platform.telemetry.logging import configure, get_logger

KEY = "t8_acme_" + "0a" * 24


def test_lines_of_ours_and_of_libraries_are_json_on_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        configure("info")
        get_logger("tempor8.test").info("run started", tenant="acme", token="canary", key=KEY, plan="f" * 64)
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
    assert ours["plan"] == "f" * 64
