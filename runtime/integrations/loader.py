"""Folders of vendors: their descriptors and parameters, and the classes of a type."""

import importlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import ModuleType, new_class
from typing import Any

from runtime.integrations.descriptor import Descriptor, listed
from runtime.integrations.folder import FOLDER, parameters_file
from runtime.integrations.node_run import send_question
from runtime.integrations.parameters import Fact, fields_of
from runtime.integrations.tool_turn import run_all, take_turn
from runtime.integrations.triggers.descriptor import TriggerDescriptor
from runtime.integrations.triggers.poll_trigger import VendorPoll
from runtime.integrations.triggers.registration import register, running
from runtime.integrations.triggers.webhook_trigger import EnrichedTrigger, VendorTrigger
from runtime.integrations.vendor_agent import VendorAgent
from runtime.integrations.vendor_node import VendorNode
from runtime.integrations.vendor_question import ASKS, ASKS_NOT, VendorQuestion
from schemas.node import Conditions, Node

__all__ = [
    "build",
    "descriptors",
    "facts_for",
    "facts_of",
    "folders",
    "functions_of",
    "index_text",
    "module_of",
]


def build(type_: str, folder: str) -> Iterable[type[Node]]:
    """Return the classes of a type, one per descriptor."""
    return [made for each in descriptors(folder) if each.type == type_ for made in _classes(each, folder)]


def folders() -> tuple[str, ...]:
    """Return the folders of vendors, sorted."""
    return tuple(sorted({each.parent.name for each in FOLDER.glob("*/*parameters.json")}))


def index_text() -> str:
    """Return what `index.json` must hold: each type's folder."""
    found = {each.type: folder for folder in folders() for each in descriptors(folder)}
    return json.dumps(dict(sorted(found.items())), indent=1) + "\n"


@cache
def descriptors(folder: str) -> tuple[Descriptor, ...]:
    """Return the descriptors of a folder. Raise pydantic.ValidationError."""
    files = sorted((FOLDER / folder).glob("*.yaml"))
    return tuple(
        (TriggerDescriptor if each.stem.startswith("trigger") else Descriptor).model_validate(_read(each))
        for each in files
    )


@cache
def facts_of(folder: str, type_: str) -> tuple[tuple[tuple[float, ...], tuple[Fact, ...]], ...]:
    """Return the parameters of a type per family of versions (`parameters.json`, of a trigger `trigger_parameters.json`)."""
    data = json.loads((FOLDER / folder / parameters_file(type_)).read_text(encoding="utf-8"))
    return tuple(
        (tuple(each["versions"]), tuple(Fact.read(fact) for fact in each["parameters"])) for each in data[type_]
    )


def facts_for(folder: str, descriptor: Descriptor) -> tuple[Fact, ...]:
    """Return the parameters of a descriptor's family of versions."""
    wanted = {float(each) for each in descriptor.versions}
    return next(facts for family, facts in facts_of(folder, descriptor.type) if wanted <= set(family))


def _read(file: Path) -> Any:
    import yaml  # noqa: PLC0415  # heavy, and an export without vendors needs none of it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(file.read_text(encoding="utf-8"), loader)  # noqa: S506  # a safe loader either way


def _classes(descriptor: Descriptor, folder: str) -> Iterable[type[Node]]:
    if isinstance(descriptor, TriggerDescriptor):
        return (_trigger_class(descriptor, folder),)
    if any(each.tool_talk for operations in descriptor.operations.values() for each in listed(operations)):
        talking: Any = _node_class(descriptor, folder, VendorAgent, {})
        talking.take, talking.take_all = take_turn, run_all
        return (talking, _node_class(descriptor, folder, VendorNode, {}))
    if not any(each.asks for operations in descriptor.operations.values() for each in listed(operations)):
        return (_node_class(descriptor, folder, VendorNode, {}),)
    question = _node_class(descriptor, folder, VendorQuestion, ASKS)
    question.send = send_question  # type: ignore[attr-defined]  # a method of the class just made
    return (question, _node_class(descriptor, folder, VendorNode, ASKS_NOT))


def _trigger_class(descriptor: TriggerDescriptor, folder: str) -> type[Node]:
    if descriptor.webhook is None:
        return _node_class(descriptor, folder, VendorPoll, {})
    made: Any = _node_class(descriptor, folder, EnrichedTrigger if descriptor.webhook.enrich else VendorTrigger, {})
    made.registering = register
    if descriptor.webhook.enrich:
        made.running = running
    return made  # type: ignore[no-any-return]  # a class whose attributes were just set


def _node_class(descriptor: Descriptor, folder: str, base: type[Node], when: Conditions) -> type[Node]:
    annotations, values, found = fields_of(facts_for(folder, descriptor))
    namespace: dict[str, Any] = {
        "__module__": base.__module__,
        "__doc__": f"{descriptor.name}.",
        "__annotations__": annotations,
        **values,
        "type": descriptor.type,
        "versions": tuple(float(each) for each in descriptor.versions),
        "when": when,
        "usable_as_tool": True,
        "descriptor": descriptor,
        "facts": found,
        "families": facts_of(folder, descriptor.type),
        "module": functions_of(descriptor, folder),
    }
    name = descriptor.type.rpartition(".")[2]
    return new_class(name[:1].upper() + name[1:], (base,), exec_body=lambda body: body.update(namespace))


def module_of(folder: str) -> ModuleType | None:
    """Return the functions of a folder; None when it has none."""
    if not (FOLDER / folder / "functions.py").is_file():
        return None
    return importlib.import_module(f"runtime.integrations.{folder}.functions")


def functions_of(descriptor: Descriptor, folder: str) -> ModuleType | None:
    """Return the functions of a descriptor: those of a trigger are in `trigger.py`. None: it has none."""
    if isinstance(descriptor, TriggerDescriptor) and (FOLDER / folder / "trigger.py").is_file():
        return importlib.import_module(f"runtime.integrations.{folder}.trigger")
    return module_of(folder)


if __name__ == "__main__":
    (FOLDER / "index.json").write_text(index_text(), encoding="utf-8")
