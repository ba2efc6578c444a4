"""A draft of a vendor's folder from an OpenAPI 3 document: a descriptor, its parameters and the package file.

What a document cannot say (names and defaults of n8n's parameters, answers to unwrap, pages) is left to be written by hand.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from runtime.integrations.import_parameters import parameters_text

__all__ = ["DraftError", "draft", "folder_name"]

_METHODS: Final = ("get", "post", "put", "patch", "delete")
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_HOLE: Final = re.compile(r"\{([^{}]+)\}")
_KINDS: Final = {"integer": "number", "number": "number", "boolean": "boolean", "object": "json", "array": "json"}
_EMPTY: Final[Mapping[str, Any]] = {"number": 0, "boolean": False, "json": "{}", "string": ""}
_MAX_REFERENCES: Final = 32
"""References that lead to one another."""


class DraftError(ValueError):
    """Raised for a text that is no OpenAPI document. The message says what is missing."""


def folder_name(vendor: str) -> str:
    """Return the folder of a vendor: `SendGrid` as `send_grid`. Raise DraftError for a name without a letter or digit."""
    words = _WORD.findall(vendor)
    if not words:
        raise DraftError(f"{vendor!r} is no name for a folder: use letters and digits")
    return "_".join(each.lower() for each in words)


def draft(vendor: str, text: str) -> dict[str, str]:
    """Return the files of a vendor's folder: name -> text. Raise DraftError."""
    document = _read(text)
    operations = list(_operations(document))
    if not operations:
        raise DraftError("the document has no operations under `paths`")
    name = _camel(folder_name(vendor))
    type_ = f"n8n-nodes-base.{name}"
    facts = {type_: [{"versions": [1.0], "parameters": [*_selectors(operations), *_facts(operations)]}]}
    return {
        "__init__.py": f'"""{vendor}."""\n',
        "v1.yaml": _descriptor(vendor, type_, f"{name}Api", document, operations),
        "parameters.json": parameters_text(facts),
    }


class _Operation:
    """An operation of the document."""

    def __init__(self, document: Mapping[str, Any], path: str, method: str, item: Mapping[str, Any]) -> None:
        given = item[method]
        self.method, self.path = method.upper(), path
        tags = given.get("tags") or [next((each for each in path.split("/") if each and "{" not in each), "api")]
        self.resource = _camel(str(tags[0])) or "api"
        self.name = _camel(str(given.get("operationId") or f"{method} {_HOLE.sub('', path)}"))
        listed = [*(item.get("parameters") or []), *(given.get("parameters") or [])]
        self.parameters = [_resolved(document, each) for each in listed]
        self.body = _body(document, given.get("requestBody"))

    @property
    def key(self) -> str:
        """Return its key in a descriptor."""
        return f"{self.resource}.{self.name}"

    def in_place(self, place: str) -> list[Mapping[str, Any]]:
        """Return its parameters in the path or in the query."""
        return [each for each in self.parameters if each.get("in") == place and each.get("name")]


def _read(text: str) -> Mapping[str, Any]:
    import yaml  # noqa: PLC0415  # heavy; JSON is YAML, too

    try:
        document = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  # a safe loader either way
    except (yaml.YAMLError, RecursionError) as error:
        raise DraftError(f"neither JSON nor YAML: {error}") from error
    if not isinstance(document, Mapping) or not str(document.get("openapi", "")).startswith("3"):
        raise DraftError("no OpenAPI 3 document: its member `openapi` does not begin with 3")
    return document


def _operations(document: Mapping[str, Any]) -> Iterator[_Operation]:
    paths = document.get("paths")
    for path, item in (paths if isinstance(paths, Mapping) else {}).items():
        for method in _METHODS:
            if isinstance(item, Mapping) and isinstance(item.get(method), Mapping):
                yield _Operation(document, str(path), method, item)


def _resolved(document: Mapping[str, Any], value: Any) -> Mapping[str, Any]:
    """Return what a reference inside the document stands for. Raise DraftError."""
    for _ in range(_MAX_REFERENCES):
        if not isinstance(value, Mapping):
            return {}
        reference = value.get("$ref")
        if not isinstance(reference, str):
            return value
        if not reference.startswith("#/"):
            raise DraftError(f"{reference!r} is in another document: put both into one first")
        value = document
        for key in reference[2:].split("/"):
            value = value.get(key.replace("~1", "/").replace("~0", "~")) if isinstance(value, Mapping) else None
    raise DraftError("references lead to one another without end")


def _body(document: Mapping[str, Any], given: Any) -> tuple[str, dict[str, Mapping[str, Any]], frozenset[str]]:
    """Return the kind of the body (`json`, `form` or nothing), its members, and those that are required."""
    content = _resolved(document, given).get("content") or {}
    kinds = {"json": "application/json", "form": "application/x-www-form-urlencoded"}
    kind = next((kind for kind, media in kinds.items() if media in content), "")
    if not kind:
        return "", {}, frozenset()
    schema = _resolved(document, content[kinds[kind]].get("schema"))
    members = {str(name): _resolved(document, each) for name, each in (schema.get("properties") or {}).items()}
    return kind, members, frozenset(map(str, schema.get("required") or ()))


def _camel(text: str) -> str:
    words = _WORD.findall(text)
    return "".join(each.lower() if i == 0 else each.capitalize() for i, each in enumerate(words))


def _selectors(operations: list[_Operation]) -> list[dict[str, Any]]:
    """Return the parameters that choose resource and operation."""
    by_resource: dict[str, list[str]] = {}
    for each in operations:
        by_resource.setdefault(each.resource, []).append(each.name)
    first = next(iter(by_resource))
    resource = {"name": "resource", "kind": "options", "default": first, "options": list(by_resource)}
    return [resource] + [
        {"name": "operation", "kind": "options", "default": names[0], "options": names, "show": {"resource": [each]}}
        for each, names in by_resource.items()
    ]


def _facts(operations: list[_Operation]) -> Iterator[dict[str, Any]]:
    for each in operations:
        show = {"resource": [each.resource], "operation": [each.name]}
        own = [*each.in_place("path"), *(one for one in each.in_place("query") if one.get("required"))]
        for one in own:
            yield {**_fact(one["name"], one.get("schema") or {}), "required": True, "show": show}
        _, members, required = each.body
        for name in members:
            if name in required:
                yield {**_fact(name, members[name]), "required": True, "show": show}
        further = [_fact(one["name"], one.get("schema") or {}) for one in each.in_place("query") if one not in own]
        further += [_fact(name, schema) for name, schema in members.items() if name not in required]
        if further:
            yield {
                "name": "additionalFields", "kind": "collection", "default": {}, "members": further, "show": show,
            }  # fmt: skip


def _fact(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    if schema.get("enum"):
        choices = [str(each) for each in schema["enum"]]
        return {"name": _camel(name), "kind": "options", "default": choices[0], "options": choices}
    kind = _KINDS.get(str(schema.get("type")), "string")
    return {"name": _camel(name), "kind": kind, "default": schema.get("default", _EMPTY[kind])}


def _descriptor(
    vendor: str, type_: str, credential: str, document: Mapping[str, Any], operations: list[_Operation]
) -> str:
    servers = document.get("servers") or [{}]
    base = str(servers[0].get("url") or "https://api.example.com").rstrip("/").replace("{", "{{").replace("}", "}}")
    lines = [
        f"type: {type_}", "versions: [1]", f"name: {json.dumps(vendor)}", f"base: {json.dumps(base)}",
        "credentials:", f"  - {{type: {credential}}}", "", "operations:",
    ]  # fmt: skip
    for each in operations:
        lines += [f"  {each.key}:", "    request:", f"      method: {each.method}"]
        lines.append(f"      path: {json.dumps(_HOLE.sub(lambda hole: f'{{{_camel(hole[1])}}}', each.path))}")
        if query := {one["name"]: bool(one.get("required")) for one in each.in_place("query")}:
            lines += ["      query:", *_members(query)]
        kind, members, required = each.body
        if members:
            lines += [f"      {kind}:", *_members({name: name in required for name in members})]
    return "\n".join(lines) + "\n"


def _members(names: Mapping[str, bool]) -> list[str]:
    """Return members whose values are parameters of their own (True), or further fields."""
    return [
        f"        {json.dumps(name)}: {json.dumps('{' + ('' if own else 'additionalFields.') + _camel(name) + '}')}"
        for name, own in names.items()
    ]
