"""Generate the Python client of the API from its description: a TypedDict per schema, a method per operation."""

import keyword
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

__all__ = ["FOLDER", "client_files"]

FOLDER: Final = Path(__file__).resolve().parents[2] / "cli" / "client"
PLAIN: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
MODELS_HEAD: Final = '''"""The shapes of the API's requests and answers. Generated from docs/openapi.json: `make generate`."""

from typing import Any, Literal, NotRequired, TypedDict

'''
API_HEAD: Final = '''"""The operations of the API. Generated from docs/openapi.json: `make generate`."""

from typing import Any, Literal, cast

from cli.client import models
from cli.client.sending import Send, path_of, present

__all__ = ["Client"]


class Client:
    """A client of the API.

    Args:
        send: makes a request and returns the JSON of its answer; None where there is none.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
'''


def client_files(description: Mapping[str, Any]) -> dict[str, str]:
    """Return the generated files by name."""
    schemas = description["components"]["schemas"]
    models = MODELS_HEAD + "\n\n".join(_model(name, schemas[name]) for name in sorted(schemas)) + "\n"
    operations = [
        (path, method, operation)
        for path, methods in sorted(description["paths"].items())
        for method, operation in sorted(methods.items())
        if "text/event-stream" not in _answer(operation).get("content", {})
    ]
    names: list[str] = []
    for path, method, operation in operations:  # `/workflows/retry` beside `/workflows/{workflow_id}/retry`
        name = _name(path, method, operation)
        names.append(
            f"{name}_many"
            if "{" not in path and any(_name(*each) == name for each in operations if each[0] != path)
            else name
        )
    assert len(set(names)) == len(names), sorted(names)
    api = API_HEAD + "".join(_method(name, *each) for name, each in zip(names, operations, strict=True))
    return {"models.py": _formatted(models), "api.py": _formatted(api)}


def _formatted(text: str) -> str:
    ruff = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(FOLDER / "generated.py"), "-"]
    return subprocess.run(ruff, input=text, capture_output=True, text=True, check=True).stdout


def _model(name: str, schema: Mapping[str, Any]) -> str:
    if "properties" not in schema:
        return f"{name} = {_type(schema, '')}\n"
    required = set(schema.get("required", ()))
    fields = {
        key: _type(value, "") if key in required else f"NotRequired[{_type(value, '')}]"
        for key, value in schema["properties"].items()
    }
    if any(not key.isidentifier() or keyword.iskeyword(key) for key in fields):
        members = ", ".join(f'"{key}": {kind!r}' for key, kind in fields.items())
        return f'{name} = TypedDict("{name}", {{{members}}})\n'
    doc = _sentence(schema.get("description"), name)
    lines = "\n".join(f"    {key}: {_quoted(kind)}" for key, kind in fields.items())
    return f'class {name}(TypedDict):\n    """{doc}"""\n\n{lines}\n'


def _quoted(kind: str) -> str:
    """Return an annotation as text: it may name what is defined further below."""
    return f'"{kind}"'


def _type(schema: Any, prefix: str) -> str:
    """Return the annotation of a schema. `prefix`: of the names of models."""
    if not isinstance(schema, Mapping) or not schema:
        return "Any"
    if reference := schema.get("$ref"):
        return prefix + str(reference).rpartition("/")[2]
    if "enum" in schema:
        if None in schema["enum"]:
            return f"{_type({'enum': [each for each in schema['enum'] if each is not None]}, prefix)} | None"
        return f"Literal[{', '.join(repr(each) for each in schema['enum'])}]"
    for key in ("oneOf", "anyOf", "allOf"):
        if key in schema:
            kinds = list(dict.fromkeys(_type(each, prefix) for each in schema[key]))
            return "Any" if "Any" in kinds else " | ".join(kinds)
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(PLAIN.get(each, "Any") for each in kind)
    if kind == "array":
        return f"list[{_type(schema.get('items'), prefix)}]"
    if kind == "object":
        more = schema.get("additionalProperties")
        return f"dict[str, {_type(more, prefix) if isinstance(more, Mapping) else 'Any'}]"
    return PLAIN.get(str(kind), "Any")


def _answer(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(each for status, each in operation["responses"].items() if status.startswith("2"))
    return found


def _name(path: str, method: str, operation: Mapping[str, Any]) -> str:
    """Return `workflows_cancel`: the constant parts of the path, and what the handler is called beyond them."""
    parts = [part for part in path.strip("/").split("/") if part]
    rest = operation["operationId"]
    for part in parts:
        rest = rest.removeprefix(_camel(part.strip("{}")))
    handler = _snake(rest)
    constant = [re.sub(r"\W", "_", part) for part in parts if not part.startswith("{")]
    if not constant or constant[-1] != handler:
        constant.append(handler or method)
    return "_".join(constant)


def _camel(text: str) -> str:
    return "".join(word.title() for word in re.split(r"[_\W]+", text))


def _snake(text: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower().strip("_")


def _method(name: str, path: str, method: str, operation: Mapping[str, Any]) -> str:
    parameters = operation.get("parameters", ())
    in_path = [each for each in parameters if each["in"] == "path"]
    others = [each for each in parameters if each["in"] in ("query", "header")]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    body = None if content is None else _type(content["schema"], "models.")
    json_ = _answer(operation).get("content", {}).get("application/json", {}).get("schema")
    returns = "None" if json_ is None else _type(json_, "models.")
    return "".join(_lines(name, path, method, operation, in_path, others, body, returns))


def _lines(
    name: str, path: str, method: str, operation: Mapping[str, Any], in_path: list[Any], others: list[Any], body: str | None,
    returns: str,
) -> Iterator[str]:  # fmt: skip
    arguments = ["self", *(f"{_identifier(each['name'])}: str" for each in in_path)]
    if body is not None:
        arguments.append(f"body: {body}")
    if others:
        arguments.append("*")
    for each in sorted(others, key=lambda each: not each.get("required")):
        kind = _type(each["schema"], "models.")
        absent = "" if each.get("required") else " = None"
        kind = kind if each.get("required") or "None" in kind else f"{kind} | None"
        arguments.append(f"{_identifier(each['name'])}: {kind}{absent}")
    yield f"\n    def {name}({', '.join(arguments)}) -> {returns}:\n"
    yield f'        """{_sentence(operation.get("summary"), name)}"""\n'
    called = [
        f'"{method.upper()}"',
        f'path_of("{path}"' + "".join(f", {_identifier(each['name'])}" for each in in_path) + ")",
    ]
    for place, option in (("query", "params"), ("header", "headers")):
        if found := [each for each in others if each["in"] == place]:
            members = ", ".join(f'"{each["name"]}": {_identifier(each["name"])}' for each in found)
            called.append(f"{option}=present({{{members}}})")
    if body is not None:
        called.append("body=body")
    call = f"self._send({', '.join(called)})"
    yield f"        {call}\n" if returns == "None" else f'        return cast("{returns}", {call})\n'


def _identifier(name: str) -> str:
    found = re.sub(r"\W", "_", name).lower()
    return f"{found}_" if keyword.iskeyword(found) or found in ("format", "type") else found


def _sentence(text: str | None, name: str) -> str:
    first = (text or name).replace('"', "'").split("\n")[0].rstrip(".")
    return f"{first}."
