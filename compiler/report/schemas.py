"""JSON Schemas made from the declarations: the export, the plan, findings, and the parameters of every node type.

`schemas/generated/nodes/<type>.schema.json` has one definition per typeVersion under `$defs`; `schemas/generated/export.schema.json` refers to
them by type and version, so that an editor that knows it completes and checks the parameters of each node.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import TypeAdapter

from compiler.parameters.fields import expectation
from schemas.diagnostic import Location
from schemas.export import Export
from schemas.node import Catalog, Declared, Node, declarations
from schemas.plan import Plan

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
EXPRESSION: Final = {"type": "string", "pattern": "^=", "description": "an expression"}
NAMES: Final = {str: "string", bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}


def files(catalog: Catalog) -> dict[str, str]:
    """Every schema file: path below `schemas/` -> text."""
    made = {"plan.schema.json": plan(), "diagnostic.schema.json": diagnostic(), "export.schema.json": export(catalog)}
    made |= {f"nodes/{file_name(type_)}": node_type(catalog, type_) for type_ in catalog.types()}
    return {
        path: json.dumps(schema, indent=1, ensure_ascii=False, sort_keys=True) + "\n" for path, schema in made.items()
    }


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


def export(catalog: Catalog) -> dict[str, Any]:
    """A workflow as n8n writes it; the parameters of a node by its type and version."""
    made = {"$schema": DIALECT} | TypeAdapter(Export).json_schema(by_alias=True)
    made["$defs"]["ExportNode"]["allOf"] = [
        {
            "if": {
                "properties": {"type": {"const": type_}, "typeVersion": {"const": version}},
                "required": ["type", "typeVersion"],
            },
            "then": {"properties": {"parameters": {"$ref": f"nodes/{file_name(type_)}#/$defs/{version:g}"}}},
        }
        for type_ in catalog.types()
        for version in catalog.versions(type_)
    ]
    return made


def node_type(catalog: Catalog, type_: str) -> dict[str, Any]:
    """The parameters of a node type, by version."""
    shapes = catalog.shapes(type_)
    found = {version: [each for each in shapes if version in each.versions] for version in catalog.versions(type_)}
    docs = [each.__doc__ or "" for listed in found.values() for each in listed]
    return {
        "$schema": DIALECT,
        "$id": f"nodes/{file_name(type_)}",
        "title": type_,
        "description": " ".join(docs[-1].split()) if docs else "",
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
