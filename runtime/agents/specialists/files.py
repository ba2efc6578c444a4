"""Read the files of the specialists: one YAML file each in this folder, named after its slug. Inside activities only."""

from functools import cache
from importlib import resources
from typing import Any, Final

import yaml
from jinja2 import TemplateError
from jsonschema import Draft7Validator

from runtime.agents.slugs import SUFFIX, slugs
from runtime.agents.specialists.prompt import system_prompt
from runtime.contract import NodeError
from schemas.specialist import Specialist

__all__ = ["TO_WRITE", "catalog", "find", "load", "read_yaml"]

LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # five times as fast, where libyaml is there

TO_WRITE: Final = "TO WRITE"
"""What a new file has where something must be written."""


def read_yaml(text: str) -> Any:
    """Return the value of a YAML document of plain types. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=LOADER)  # noqa: S506 - both are safe loaders


def catalog() -> dict[str, Specialist]:
    """Return all specialists by slug. Raises ValueError, with the file's name, for a file that is not valid."""
    return {slug: _of_slug(slug) for slug in slugs()}


def find(slug: str) -> Specialist:
    """Return the specialist of this slug. Raises NodeError, with the nearest names, when there is none."""
    name = slug.replace("-", "_")
    if name in slugs():
        return _of_slug(name)
    from difflib import get_close_matches  # noqa: PLC0415 - only for the error

    near = get_close_matches(name, slugs(), n=3) or [each for each in slugs() if name in each][:3]
    hint = f"Did you mean {' or '.join(near)}?" if near else "`tempor8 agents list` has them all."
    raise NodeError(f"There is no specialist agent '{slug}'", description=hint)


@cache
def _of_slug(slug: str) -> Specialist:
    file = resources.files("runtime.agents.specialists").joinpath(slug + SUFFIX)
    return load(file.name, file.read_text(encoding="utf-8"))


def load(name: str, text: str) -> Specialist:
    """Return the specialist that a file declares. Raises ValueError: what is wrong, behind the file's name."""
    try:
        specialist = Specialist.model_validate(read_yaml(text))
        if name != specialist.slug + SUFFIX:
            raise ValueError(f"the slug is {specialist.slug}; a specialist's file has its name")  # noqa: TRY301
        _check(specialist)
    except Exception as error:
        raise ValueError(f"{name}: {error}") from error
    return specialist


def _check(specialist: Specialist) -> None:
    """Check what needs the libraries of agents: the prompt renders, the schema is one, the example fits."""
    try:
        system_prompt(specialist, "", {"name": "Ada"})
    except TemplateError as error:  # no field of an item is certain, and an undefined one would fail the step
        raise ValueError(
            'the prompt must render for the item {"name": "Ada"}; '
            f"put what needs a field into {{% if item.field is defined %}}: {error}"
        ) from error
    if TO_WRITE in specialist.model_dump_json():
        raise ValueError(f"replace each {TO_WRITE!r} by what the specialist knows")
    Draft7Validator.check_schema(specialist.output_schema)
    problem = next(iter(Draft7Validator(specialist.output_schema).iter_errors(specialist.example.answer)), None)
    if problem is not None:
        raise ValueError(f"example.output{problem.json_path[1:]}: {problem.message}")
    unknown = [name for name in specialist.example.input if name not in specialist.inputs]
    if unknown:
        raise ValueError(f"example.input: {', '.join(unknown)} not among the inputs {', '.join(specialist.inputs)}")
