"""The two-way check of a descriptor against its parameters: operations that it lacks, and parameters that it does not read."""

import ast
import inspect
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from runtime.http.credential_hosts import CredentialHostError, binding
from runtime.http.credentials import scheme
from runtime.integrations.described import ANY
from runtime.integrations.descriptor import Descriptor, Operation, listed
from runtime.integrations.loader import descriptors, facts_for, functions_of
from runtime.integrations.parameters import Fact
from runtime.integrations.request_options import REQUEST_OPTIONS
from runtime.integrations.template import template_of
from runtime.integrations.triggers.descriptor import TriggerDescriptor
from runtime.nodes.approvals import SendAndWait
from schemas.node import declarations, visible

__all__ = ["findings", "lacking", "operation_keys", "unknown_functions", "unread", "unready_credentials"]


def operation_keys(descriptor: Descriptor, facts: Sequence[Fact]) -> list[str]:
    """Return every `resource.operation` that n8n's node has."""
    resources = [option for each in facts if each.name == descriptor.resource for option in each.options] or [""]
    keys = []
    for resource in dict.fromkeys(resources):
        values = {descriptor.resource: resource}
        for fact in facts:
            if fact.name != descriptor.operation or not _shown(fact, values, descriptor):
                continue
            keys += [f"{resource}.{each}".lstrip(".") for each in fact.options]
    return list(dict.fromkeys(keys))


def findings(folder: str) -> list[str]:
    """Return what is wrong in a vendor's folder, as sentences."""
    found = list[str]()
    for descriptor in descriptors(folder):
        module = functions_of(descriptor, folder)
        facts = facts_for(folder, descriptor)
        place = f"{folder} {min(descriptor.versions):g}"
        found += [
            f"{place}: the operation {each} is neither there nor under `missing`" for each in lacking(descriptor, facts)
        ]
        found += [f"{place}: {each} is never read" for each in unread(descriptor, facts, module)]
        found += [f"{place}: functions.py lacks {each}" for each in unknown_functions(descriptor, module)]
        found += [f"{place}: {each}" for each in unready_credentials(descriptor)]
    return found


def unready_credentials(descriptor: Descriptor) -> list[str]:
    """Return what the credentials of a descriptor lack: a rule that signs with them, and the host of its `base`."""
    found = [
        f"nothing signs with the credential {each.type}: add it to runtime/http/credential_types.yaml"
        for each in descriptor.credentials
        if scheme(each.type) is None
    ]
    host = urlsplit(descriptor.base).netloc if isinstance(descriptor.base, str) else ""
    if not host or "{" in host:  # it depends on the credential, whose own fields name it
        return found
    for each in descriptor.credentials:
        try:
            binding("", each.type, "", {}).check(descriptor.base)
        except CredentialHostError:
            found.append(
                f"the credential {each.type} does not go to {host}: add it to runtime/http/credential_hosts.yaml"
            )
    return found


def lacking(descriptor: Descriptor, facts: Sequence[Fact]) -> list[str]:
    """Return the operations that the descriptor neither has nor explains."""
    known = {*descriptor.operations, *descriptor.missing}
    return [] if ANY in known else [each for each in operation_keys(descriptor, facts) if each not in known]


def unread(descriptor: Descriptor, facts: Sequence[Fact], module: ModuleType | None) -> list[str]:
    """Return `operation:parameter` for each parameter that is shown for an operation which never reads it."""
    if isinstance(descriptor, TriggerDescriptor):
        return _unread_by_trigger(descriptor, facts, module)
    shared = set(_names([descriptor.base, dict(descriptor.headers), dict(descriptor.values)]))
    shared |= {name for each in descriptor.credentials for name in each.show}
    shared |= {REQUEST_OPTIONS} if descriptor.declarative else set()
    in_code = set(_constants(module)) if module else set()
    found = list[str]()
    for key in operation_keys(descriptor, facts):
        operations = listed(descriptor.operations.get(key, ()))
        if not operations:
            continue
        read = shared | {name for each in operations for name in _names(_written(each))}
        if any(_calls(each) for each in operations) or _has_call(dict(descriptor.values)):
            read |= in_code
        if any(each.asks for each in operations):
            read |= {declared.alias for declared in declarations(SendAndWait).values()}
        explained = {*descriptor.unused, *descriptor.unsupported}
        shown = [name for name in _shown_names(descriptor, facts, key) if name not in read]
        found += [f"{key}:{name}" for name in shown if not {f"{key}:{name}", f"*:{name}"} & explained]
    return found


def unknown_functions(descriptor: Descriptor, module: ModuleType | None) -> list[str]:
    """Return the functions that a descriptor names and the vendor's module lacks."""
    return sorted({each for each in _functions(descriptor.model_dump(by_alias=True)) if not hasattr(module, each)})


def _functions(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        named = (value.get(key) for key in ("$call", "program", "item_program", "tool_talk", "enrich", "poll"))
        yield from (each for each in named if isinstance(each, str) and each)  # an operation may have such a name
        for each in value.values():
            yield from _functions(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _functions(each)


def _unread_by_trigger(descriptor: TriggerDescriptor, facts: Sequence[Fact], module: ModuleType | None) -> list[str]:
    written = descriptor.model_dump(by_alias=True, exclude_none=True, include={"base", "headers", "values", "webhook"})
    read = set(_names(written)) | set(_constants(module) if module else ()) | {"authentication", "pollTimes"}
    read |= {name for each in descriptor.credentials for name in each.show}
    spec = descriptor.webhook
    read |= set(spec.password.show) if spec is not None and spec.password is not None else set()
    explained = {*descriptor.unused, *descriptor.unsupported}
    names = dict.fromkeys(each.name for each in facts)
    return [f"*:{name}" for name in names if name not in read and f"*:{name}" not in explained]


def _shown_names(descriptor: Descriptor, facts: Sequence[Fact], key: str) -> list[str]:
    resource, _, operation = key.rpartition(".")
    values = {descriptor.resource: resource, descriptor.operation: operation}
    selecting = {descriptor.resource, descriptor.operation, "authentication"}
    names = [each.name for each in facts if each.name not in selecting and _may_show(each, values, descriptor)]
    return list(dict.fromkeys(names))


def _may_show(fact: Fact, values: Mapping[str, Any], descriptor: Descriptor) -> bool:
    """Return whether some values of the other parameters show a fact."""
    show = {name: each for name, each in fact.show.items() if name.lstrip("/") in values}
    hide = {name: each for name, each in fact.hide.items() if name.lstrip("/") in values}
    return any(visible(show, hide, values, version) for version in descriptor.versions)


def _shown(fact: Fact, values: Mapping[str, Any], descriptor: Descriptor) -> bool:
    show = {name: each for name, each in fact.show.items() if name in (descriptor.resource, "@version")}
    hide = {name: each for name, each in fact.hide.items() if name in (descriptor.resource, "@version")}
    return any(visible(show, hide, values, version) for version in descriptor.versions)


def _written(operation: Operation) -> Any:
    return operation.model_dump(by_alias=True, exclude_none=True)


def _names(value: Any) -> Iterator[str]:
    """Yield the parameters that a value reads: roots of holes, and names in conditions."""
    if isinstance(value, str):
        yield from (root for root in template_of(value).roots() if not root.startswith("$"))
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _names(key)
            if key in ("when", "$if", "$where", "more") and isinstance(each, Mapping):
                yield from _in_condition(each)
            yield from _names(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _names(each)


def _in_condition(condition: Mapping[str, Any]) -> Iterator[str]:
    for name, each in condition.items():
        if name in ("any", "all"):
            yield from (found for one in each if isinstance(one, Mapping) for found in _in_condition(one))
        elif name == "not":
            yield from _in_condition(each) if isinstance(each, Mapping) else ()
        else:
            yield name


def _calls(operation: Operation) -> bool:
    return operation.program is not None or operation.item_program is not None or _has_call(_written(operation))


def _has_call(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "$call" in value or any(_has_call(each) for each in value.values())
    return isinstance(value, list | tuple) and any(_has_call(each) for each in value)


def _constants(module: ModuleType) -> Iterator[str]:
    """Yield the texts in the vendor's code, and what its templates read: `functions.py`, and the modules beside it."""
    for path in sorted(Path(inspect.getfile(module)).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "Template":
                yield from _names(node.args[0].value if isinstance(node.args[0], ast.Constant) else "")
