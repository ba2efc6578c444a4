"""`graph`, `diff` and `fmt`: an export drawn, compared and put in order."""

import copy
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.unit.cli.test_check import folder, put, run
from tests.unit.compiler.making import compiled, export, node, to

__all__ = ["folder"]

CHECK = node("Is it?", "n8n-nodes-base.if", 2.2, parameters={"conditions": {"conditions": [], "combinator": "and"}})
CHECK["position"] = [200, 100]
BASE = export(
    CHECK,
    node("Yes", position=[400, 0]),
    node("No", position=[400, 200], disabled=True),
    connections={"Start": {"main": [[to("Is it?")]]}, "Is it?": {"main": [[to("Yes")], [to("No")]]}},
)


def test_a_flowchart_has_every_node_and_labels_outputs(folder: Path) -> None:
    put(folder, "a.json", BASE)
    assert run("graph", "a.json")[1].splitlines()[:8] == [
        "flowchart LR",
        '    n0(["Start"])',
        '    n1["Is it?"]',
        '    n2["Yes"]',
        '    n3["No"]',
        "    n0 --> n1",
        "    n1 -->|0| n2",
        "    n1 -->|1| n3",
    ]


def test_a_drawing_is_well_formed_and_escapes_names(folder: Path) -> None:
    put(folder, "a.json", export(node("<&>\"'", "community.thing")))
    root = ET.fromstring(run("graph", "a.json", "--format", "svg")[1])  # noqa: S314  our own
    assert [each.get("data-node") for each in root.iter("{http://www.w3.org/2000/svg}g")] == ["Start", "<&>\"'"]


def test_a_file_that_is_no_export_cannot_be_drawn(folder: Path) -> None:
    put(folder, "a.json", "[]")
    code, out, err = run("graph", "a.json")
    assert (code, out) == (2, "")
    assert "N8T107" in err


def test_moving_nodes_is_no_difference(folder: Path) -> None:
    moved = copy.deepcopy(BASE)
    for each in moved["nodes"]:
        each |= {"position": [1, 2], "id": "new", "notes": "n"}
    moved["nodes"][1]["parameters"]["options"] = {}  # a default, written out
    put(folder, "a.json", BASE)
    put(folder, "b.json", moved)
    assert run("diff", "a.json", "b.json") == (0, "", "")


def test_a_difference_names_nodes_values_and_connections(folder: Path) -> None:
    after = copy.deepcopy(BASE)
    after["nodes"][1]["parameters"]["conditions"]["combinator"] = "or"
    after["nodes"][2]["executeOnce"] = True
    after["nodes"].append(node("Extra"))
    del after["nodes"][3]
    after["connections"]["Is it?"]["main"] = [[to("Yes")], [to("Extra")]]
    after["settings"]["timezone"] = "Asia/Tokyo"
    put(folder, "a.json", BASE)
    put(folder, "b.json", after)
    code, out, _ = run("diff", "a.json", "b.json")
    assert code == 1
    assert out.splitlines() == [
        "+ node 'Extra'",
        "- node 'No'",
        "~ 'Is it?' conditions.combinator: 'and' -> 'or'",
        "~ 'Yes' execute_once: False -> True",
        "+ connection 'Is it?' [1] -> 'Extra' [0]",
        "- connection 'Is it?' [1] -> 'No' [0]",
        "~ setting timezone: 'America/New_York' -> 'Asia/Tokyo'",
    ]
    assert json.loads(run("diff", "a.json", "b.json", "--format", "json")[1])["added"] == ["Extra"]


def test_a_renamed_node_is_reported_as_renamed(folder: Path) -> None:
    before = export(node("Old", id="1"))
    put(folder, "a.json", before)
    put(folder, "b.json", json.loads(json.dumps(before).replace("Old", "New")))
    assert run("diff", "a.json", "b.json")[1] == "~ node 'Old' is now named 'New'\n"


def test_fmt_changes_the_form_and_not_the_meaning(folder: Path) -> None:
    odd = {"versionId": "v", "updatedAt": "now", "meta": {"instanceId": "i"}} | dict(reversed(BASE.items()))
    path = put(folder, "a.json", json.dumps({"data": odd}))
    before = compiled(path.read_text()).plan
    assert run("fmt", "--check", "a.json")[0] == 1
    assert run("fmt", "a.json")[0] == 0
    assert run("fmt", "--check", "a.json")[0] == 0
    after = compiled(path.read_text()).plan
    assert before is not None
    assert after is not None
    assert before.id == after.id
    assert list(json.loads(path.read_text())) == ["name", "nodes", "connections", "settings"]


@pytest.mark.parametrize("text", ["{", "[]", ""])
def test_fmt_leaves_alone_what_is_no_export(folder: Path, text: str) -> None:
    path = put(folder, "a.json", text)
    assert run("fmt", "a.json")[0] == 2
    assert path.read_text() == text
