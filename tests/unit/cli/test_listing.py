"""What lists: a line for people, a JSON object a line for programs, and every verb that lists can do both."""

import json
from datetime import UTC, datetime

import pytest

from cli.main import VERBS, Verbs
from cli.support.listing import write_list

WRITES_JSON_ANYWAY = {("agents", "list"), ("rules", "rules")}
"""By --format json."""
VERB = Verbs(name="tempor8")


def listing_commands() -> list[tuple[str, str]]:
    """Commands that list something, by their help."""
    found = []
    for verb in VERBS:
        command = VERB.get_command(None, verb)
        for name, each in (getattr(command, "commands", None) or {verb: command}).items():
            if (each.help or "").startswith(("List ", "Show the newest key", "Try the walls")):
                found.append((verb, name))
    return found


def test_lists_are_found() -> None:
    assert {("workers", "list"), ("tenants", "keys"), ("credentials", "list")} <= set(listing_commands())


@pytest.mark.parametrize("path", sorted(set(listing_commands()) - WRITES_JSON_ANYWAY), ids=" ".join)
def test_a_verb_that_lists_writes_json(path: tuple[str, str]) -> None:
    command = VERB.get_command(None, path[0])
    command = (getattr(command, "commands", None) or {path[1]: command})[path[1]]
    assert "--json" in {option for parameter in command.params for option in parameter.opts}


def test_an_entry_is_one_line_or_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    entries = [{"at": moment, "scopes": frozenset({"b", "a"}), "name": "Gül\n\ud83d"}]
    write_list(entries, lambda each: f"{each['at']:%Y}", lambda each: each, as_json=False)
    assert capsys.readouterr().out == "2026\n"
    write_list(entries, str, lambda each: each, as_json=True)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {"at": "2026-01-01T00:00:00+00:00", "scopes": ["a", "b"], "name": "Gül\n\ud83d"}
