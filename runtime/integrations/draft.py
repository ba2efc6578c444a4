"""A draft of a vendor's folder from an OpenAPI 3 document: a descriptor, its parameters and the package file.

What a document cannot say (names and defaults of n8n's parameters, answers to unwrap, pages) is left to be written by hand.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final

from runtime.integrations.import_parameters import parameters_text

__all__ = ["DraftError", "draft", "folder_name"]

_METHODS: Final = ("get", "post", "put", "patch", "delete")
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_HOLE: Final = re.compile(r"\{([^{}]+)\}")
_KINDS: Final = {"integer": "number", "number": "number", "boolean": "boolean", "object": "json", "array": "json"}
_EMPTY: Final[Mapping[str, Any]] = {"number": 0, "boolean": False, "json": "{}", "string": ""}
_DEFAULTS: Final[Mapping[str, tuple[type, ...]]] = {
    "number": (int, float), "boolean": (bool,), "json": (str,), "string": (str,),
}  # fmt: skip
"""Kind -> of which type a default is that a document gives."""
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
    operations = _named_apart(_operations(document))
    if not operations:
        raise DraftError("the document has no operations under `paths`")
    name = _camel(folder_name(vendor))
    type_ = f"n8n-nodes-base.{name}"
    facts = {type_: [{"versions": [1.0], "parameters": [*_selectors(operations), *_facts(document, operations)]}]}
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
        first = next((each for each in path.split("/") if each and "{" not in each), "api")
        self.resource = _camel(next(iter(_list(given.get("tags"))), first)) or "api"
        self.name = _camel(given.get("operationId") or f"{method} {_HOLE.sub('', path)}") or method
        listed = [*_list(item.get("parameters")), *_list(given.get("parameters"))]
        resolved = [_resolved(document, each) for each in listed]
        # one of the operation stands in place of one of the path with the same name
        self.parameters = list({(str(each.get("in")), str(each.get("name"))): each for each in resolved}.values())
        declared = {each["name"]: each for each in self.in_place("path")}
        self.parameters = [each for each in self.parameters if each.get("in") != "path"]
        self.parameters += [
            declared.get(each, {"in": "path", "name": each}) for each in dict.fromkeys(_HOLE.findall(path))
        ]
        self.body = _body(document, given.get("requestBody"))

    @property
    def key(self) -> str:
        """Return its key in a descriptor."""
        return f"{self.resource}.{self.name}"

    def in_place(self, place: str) -> list[Mapping[str, Any]]:
        """Return its parameters in the path or in the query."""
        return [
            each
            for each in self.parameters
            if each.get("in") == place and isinstance(each.get("name"), str) and each["name"]
        ]


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


def _named_apart(operations: Iterable[_Operation]) -> list[_Operation]:
    """Return the operations; of two with the same resource and name the later one gets a number."""
    taken = set[str]()
    named = []
    for each in operations:
        name = each.name
        for number in count(2):
            if each.key not in taken:
                break
            each.name = f"{name}{number}"
        taken.add(each.key)
        named.append(each)
    return named


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
    content = _mapping(_resolved(document, given).get("content"))
    kinds = {"json": "application/json", "form": "application/x-www-form-urlencoded"}
    kind = next((kind for kind, media in kinds.items() if media in content), "")
    if not kind:
        return "", {}, frozenset()
    members, required = _members_of(document, _mapping(content[kinds[kind]]).get("schema"))
    return kind, members, frozenset(required)


def _members_of(
    document: Mapping[str, Any], given: Any, depth: int = 0
) -> tuple[dict[str, Mapping[str, Any]], set[str]]:
    """Return the members of an object's schema and those that are required, with those of the schemas that it is made of (`allOf`)."""
    if depth > _MAX_REFERENCES:
        raise DraftError("references lead to one another without end")
    schema = _resolved(document, given)
    members, required = dict[str, Mapping[str, Any]](), {str(each) for each in _list(schema.get("required"))}
    for each in _list(schema.get("allOf")):
        inner, needed = _members_of(document, each, depth + 1)
        members |= inner
        required |= needed
    own = _mapping(schema.get("properties")).items()
    return members | {str(name): _resolved(document, each) for name, each in own}, required


def _list(value: Any) -> Sequence[Any]:
    """Return a member of a document that should be a list; none where it is something else."""
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    """Return a member of a document that should be an object; an empty one where it is something else."""
    return value if isinstance(value, Mapping) else {}


def _camel(text: Any) -> str:
    words = _WORD.findall(str(text))
    return "".join(each.lower() if i == 0 else each.capitalize() for i, each in enumerate(words))


def _name(text: Any) -> str:
    """Return the name of the parameter for a member of the document; it begins with a letter, as holes want it."""
    name = _camel(text)
    return name if name[:1].isalpha() else f"field{name}"


def _path(path: str) -> str:
    """Return a path with a hole for each of its parameters; other braces stay what they are."""
    pieces = _HOLE.split(path)  # text and name by turns
    return "".join(f"{{{_name(each)}}}" if i % 2 else _text(each) for i, each in enumerate(pieces))


def _text(text: str) -> str:
    """Return a text as it is written where holes may be."""
    return text.replace("{", "{{").replace("}", "}}")


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


def _facts(document: Mapping[str, Any], operations: list[_Operation]) -> Iterator[dict[str, Any]]:
    for each in operations:
        show = {"resource": [each.resource], "operation": [each.name]}
        own = [*each.in_place("path"), *(one for one in each.in_place("query") if one.get("required"))]
        for one in own:
            yield {**_fact(document, one["name"], one.get("schema")), "required": True, "show": show}
        _, members, required = each.body
        for name in members:
            if name in required:
                yield {**_fact(document, name, members[name]), "required": True, "show": show}
        further = [_fact(document, one["name"], one.get("schema")) for one in each.in_place("query") if one not in own]
        further += [_fact(document, name, schema) for name, schema in members.items() if name not in required]
        if further:
            yield {
                "name": "additionalFields", "kind": "collection", "default": {}, "members": further, "show": show,
            }  # fmt: skip


def _fact(document: Mapping[str, Any], name: Any, given: Any) -> dict[str, Any]:
    schema = _resolved(document, given)
    if choices := [str(each) for each in _list(schema.get("enum")) if each is not None]:
        return {"name": _name(name), "kind": "options", "default": choices[0], "options": choices}
    types = schema.get("type")  # of OpenAPI 3.1 a list: [string, "null"]
    type_ = next((each for each in _list(types) if each != "null"), None) if isinstance(types, list) else types
    kind = _KINDS.get(str(type_), "string")
    default = schema.get("default")
    plain = isinstance(default, bool | int | float | str) and type(default) in _DEFAULTS[kind]
    return {"name": _name(name), "kind": kind, "default": default if plain else _EMPTY[kind]}


def _descriptor(
    vendor: str, type_: str, credential: str, document: Mapping[str, Any], operations: list[_Operation]
) -> str:
    base = _text(_base(document))
    lines = [
        f"type: {type_}", "versions: [1]", f"name: {json.dumps(vendor)}", f"base: {json.dumps(base)}",
        "credentials:", f"  - {{type: {credential}}}", "", "operations:",
    ]  # fmt: skip
    for each in operations:
        lines += [f"  {each.key}:", "    request:", f"      method: {each.method}"]
        lines.append(f"      path: {json.dumps(_path(each.path))}")
        if query := {one["name"]: bool(one.get("required")) for one in each.in_place("query")}:
            lines += ["      query:", *_members(query)]
        kind, members, required = each.body
        if members:
            lines += [f"      {kind}:", *_members({name: name in required for name in members})]
    return "\n".join(lines) + "\n"


def _base(document: Mapping[str, Any]) -> str:
    """Return the first server's address, with the defaults of its variables."""
    server = _mapping(next(iter(_list(document.get("servers"))), None))
    variables = _mapping(server.get("variables"))

    def default(hole: re.Match[str]) -> str:
        return str(_mapping(variables.get(hole[1])).get("default") or hole[0])

    return _HOLE.sub(default, str(server.get("url") or "https://api.example.com")).rstrip("/")


def _members(names: Mapping[str, bool]) -> list[str]:
    """Return members whose values are parameters of their own (True), or further fields."""
    return [
        f"        {json.dumps(_text(name))}: {json.dumps('{' + ('' if own else 'additionalFields.') + _name(name) + '}')}"
        for name, own in names.items()
    ]
