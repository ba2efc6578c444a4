"""JSON Schemas made from the declarations: the export, the plan, findings, and the parameters of every node type.

An editor that knows `schemas/generated/export.schema.json` completes and checks the parameters of each node: it refers to
`nodes.schema.json`, which has one line per node type and refers to `nodes/<type>.schema.json`, which has one definition per
typeVersion under `$defs`. So a new node type is a new file and one line, and a changed one changes its own file alone.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import TypeAdapter

from compiler.parameters.fields import expectation
from schemas.diagnostic import Location
from schemas.export import Export
from schemas.node import Catalog, Declared, Node, declarations
from schemas.plan import Plan

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
EXPRESSION: Final = {"type": "string", "pattern": "^=", "description": "an expression"}
NODES: Final = "nodes.schema.json"
NAMES: Final = {str: "string", bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}


def files(catalog: Catalog) -> dict[str, str]:
    """Every schema file: path below `schemas/` -> text."""
    made = {"plan.schema.json": plan(), "diagnostic.schema.json": diagnostic(), "export.schema.json": export()}
    made |= {f"nodes/{file_name(type_)}": node_type(catalog, type_) for type_ in catalog.types()}
    written = {
        path: json.dumps(schema, indent=1, ensure_ascii=False, sort_keys=True) + "\n" for path, schema in made.items()
    }
    return written | {NODES: nodes(catalog.types())}


def file_name(type_: str) -> str:
    """`@n8n/n8n-nodes-langchain.agent` -> `n8n-nodes-langchain.agent.schema.json`."""
    return type_.rpartition("/")[2] + ".schema.json"


def plan() -> dict[str, Any]:
    """What the compiler emits."""
    return {"$schema": DIALECT} | Plan.model_json_schema()


def diagnostic() -> dict[str, Any]:
    """A finding in JSON output and in the answers of the API."""
    place = {name: {"anyOf": [{"type": kind}, {"type": "null"}]} for name, kind in _place()}
    texts = {name: {"type": "string"} for name in ("message", "hint", "file", "pointer", "url")}
    fixed = {
        "code": {"type": "string", "pattern": r"^N8T\d{3}$"},
        "severity": {"enum": ["error", "warning", "info"]},
        "facts": {"type": "object", "additionalProperties": {"type": "string"}},
    }
    properties = texts | place | fixed
    return {
        "$schema": DIALECT,
        "title": "Diagnostic",
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


def _place() -> Iterator[tuple[str, str]]:
    assert {"line", "column", "node", "node_id"} <= set(Location.__slots__)
    yield from (("line", "integer"), ("column", "integer"), ("node", "string"), ("nodeId", "string"))


def export() -> dict[str, Any]:
    """A workflow as n8n writes it; the parameters of a node by its type and version."""
    made = {"$schema": DIALECT} | TypeAdapter(Export).json_schema(by_alias=True)
    made["$defs"]["ExportNode"]["allOf"] = [{"$ref": NODES}]
    return made


def nodes(types: Iterable[str]) -> str:
    """A node of an export: the file of each type, as text with one line per type."""
    lines = [
        json.dumps(
            {
                "if": {"properties": {"type": {"const": type_}}, "required": ["type"]},
                "then": {"$ref": f"nodes/{file_name(type_)}"},
            }
        )
        for type_ in sorted(types)
    ]
    head = json.dumps({"$schema": DIALECT, "$id": NODES, "title": "Parameters of a node"}, indent=1)
    return head.removesuffix("\n}") + ',\n "allOf": [\n  ' + ",\n  ".join(lines) + "\n ]\n}\n"


def node_type(catalog: Catalog, type_: str) -> dict[str, Any]:
    """A node of this type: its parameters, by version."""
    # the others have the same parameters
    shapes = [each for each in catalog.shapes(type_) if each.when_connected is None]
    found = {version: [each for each in shapes if version in each.versions] for version in catalog.versions(type_)}
    docs = [each.__doc__ or "" for listed in found.values() for each in listed]
    return {
        "$schema": DIALECT,
        "$id": f"nodes/{file_name(type_)}",
        "title": type_,
        "description": " ".join(docs[-1].split()) if docs else "",
        "allOf": [
            {
                "if": {"properties": {"typeVersion": {"const": version}}, "required": ["typeVersion"]},
                "then": {"properties": {"parameters": {"$ref": f"#/$defs/{version:g}"}}},
            }
            for version in found
        ],
        "$defs": {f"{version:g}": any_of(listed, version) for version, listed in found.items()},
    }


def any_of(shapes: Sequence[type[Node]], version: float) -> dict[str, Any]:
    """The parameters of one version, of which there may be several shapes."""
    if len(shapes) == 1:
        return parameters(shapes[0], version)
    return {"anyOf": [parameters(each, version) for each in shapes]}


def parameters(node: type[Node], version: float) -> dict[str, Any]:
    """The parameters of one version. What is declared several times may be any of what it is declared as."""
    by_name: dict[str, list[Declared]] = {}
    for each in declarations(node).values():
        if _in_version(each, version):
            by_name.setdefault(each.alias, []).append(each)
    closed = {"additionalProperties": False} if by_name else {}
    properties = {name: _property(node, listed, version) for name, listed in by_name.items()}
    return {"type": "object", "properties": properties} | closed


def _in_version(each: Declared, version: float) -> bool:
    """Whether the version alone leaves the parameter visible."""
    show = {name: values for name, values in each.info.show.items() if name == "@version"}
    hide = {name: values for name, values in each.info.hide.items() if name == "@version"}
    return Declared(each.name, each.alias, each.field, type(each.info)(show=show, hide=hide)).visible({}, version)


def _property(node: type[Node], listed: list[Declared], version: float) -> dict[str, Any]:
    forms: list[Mapping[str, Any]] = []
    for each in listed:
        wanted = expectation(node, each.name)
        kinds = sorted({NAMES[kind] for kind in wanted.types})
        if wanted.options:
            forms.append({"enum": [None, *wanted.options]})
        elif kinds:
            forms.append({"type": [*kinds, "null"]})
        else:
            return _with_default({}, listed, version)
    unique = [form for index, form in enumerate(forms) if form not in forms[:index]]
    return _with_default({"anyOf": [*unique, EXPRESSION]}, listed, version)


def _with_default(schema: dict[str, Any], listed: list[Declared], version: float) -> dict[str, Any]:
    default = listed[0].default(version)
    plain = isinstance(default, str | int | float | bool | list | dict)
    return schema | ({"default": default} if plain and len(listed) == 1 else {})
