"""Write `parameters.json` of a vendor, of its triggers `trigger_parameters.json`, from a table of facts.

    python -m runtime.integrations.import_parameters TABLE TYPE=FOLDER...

The table has a row per declaration (tab separated: type, versions, parameter, kind, default, options, displayOptions,
flags); members are named by their path. Only facts are taken: names, kinds, defaults, options and conditions.
"""

import csv
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from runtime.integrations.folder import FOLDER, parameters_file

__all__ = ["main", "parameters_text", "read_facts"]


def read_facts(table: Path, type_: str) -> list[dict[str, Any]]:
    """Return the families of versions of a type, each with its parameters as a tree."""
    families: dict[str, list[Mapping[str, str]]] = {}
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["type"] == type_:
                families.setdefault(row["versions"], []).append(row)
    return [
        {"versions": [float(each) for each in versions.split(",")], "parameters": _tree(rows)}
        for versions, rows in sorted(families.items(), key=lambda pair: float(pair[0].split(",")[0]))
    ]


def _tree(rows: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
    top: list[dict[str, Any]] = []
    open_: list[dict[str, Any]] = []
    """The declaration that is open at each depth: members follow their collection."""
    for row in rows:
        path = row["parameter"].split(".")
        fact = _fact(row, path[-1])
        if len(path) == 1:
            top.append(fact)
            open_ = [fact]
            continue
        while len(open_) > 1 and not _is_below(path, open_):
            open_.pop()
        parent = open_[-1]
        for group in path[len(_names(open_)) : -1]:  # the groups of a fixed collection have no row
            parent = _group(parent, group)
            open_.append(parent)
        parent.setdefault("members", []).append(fact)
        open_.append(fact)
    return top


def _names(open_: list[dict[str, Any]]) -> list[str]:
    return [each["name"] for each in open_]


def _is_below(path: list[str], open_: list[dict[str, Any]]) -> bool:
    names = _names(open_)
    return len(path) > len(names) and path[: len(names)] == names


def _group(parent: dict[str, Any], name: str) -> dict[str, Any]:
    members = parent.setdefault("members", [])
    found: dict[str, Any] | None = next(
        (each for each in members if (each["name"], each["kind"]) == (name, "group")), None
    )
    if found is None:
        found = {"name": name, "kind": "group", "members": []}
        members.append(found)
    return found


def _fact(row: Mapping[str, str], name: str) -> dict[str, Any]:
    fact: dict[str, Any] = {"name": name, "kind": row["kind"]}
    if row["default"]:
        fact["default"] = json.loads(row["default"])
    if row["options"]:
        fact["options"] = row["options"].split("|")
    conditions = json.loads(row["displayOptions"]) if row["displayOptions"] else {}
    fact |= {key: conditions[key] for key in ("show", "hide") if conditions.get(key)}
    flags = (row["flags"] or "").split(",")
    if "required" in flags:
        fact["required"] = True
    if "multipleValues" in flags:
        fact["many"] = True
    return fact


def main(arguments: list[str]) -> int:
    """Write the file of each type, given as `TYPE=FOLDER`."""
    table, *types = arguments
    for each in types:
        type_, _, folder = each.partition("=")
        target = FOLDER / folder / parameters_file(type_)
        data = json.loads(target.read_text(encoding="utf-8")) if target.is_file() else {}
        data[type_] = _with_texts(read_facts(Path(table), type_), data.get(type_, []))
        target.parent.mkdir(exist_ok=True)
        target.write_text(parameters_text(data), encoding="utf-8")
    return 0


def _with_texts(families: list[dict[str, Any]], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the facts with the labels and formats that they have in the file: the table has neither."""
    known = {_place(family, each): each for family in before for each in family["parameters"]}
    for family in families:
        for each in family["parameters"]:
            old = known.get(_place(family, each), {})
            each.update({key: old[key] for key in ("label", "formats") if key in old})
    return families


def _place(family: Mapping[str, Any], fact: Mapping[str, Any]) -> str:
    return json.dumps([family["versions"], fact["name"], fact.get("show"), fact.get("hide")], sort_keys=True)


def parameters_text(data: Mapping[str, Any]) -> str:
    """Return JSON with a line per parameter, so that a change is seen in a diff."""
    lines = ["{"]
    for t, (type_, families) in enumerate(data.items()):
        lines.append(f" {json.dumps(type_)}: [")
        for f, family in enumerate(families):
            lines.append(f'  {{"versions": {json.dumps(family["versions"])}, "parameters": [')
            last = len(family["parameters"]) - 1
            lines += [f"   {json.dumps(each)}{',' if i < last else ''}" for i, each in enumerate(family["parameters"])]
            lines.append("  ]}" + ("," if f < len(families) - 1 else ""))
        lines.append(" ]" + ("," if t < len(data) - 1 else ""))
    return "\n".join([*lines, "}"]) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
