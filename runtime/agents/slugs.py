"""Slugs of the specialist agents, known without reading their files: a specialist's file has its name."""

from functools import cache
from importlib import resources
from typing import Final

ENDING: Final = ".yaml"


@cache
def slugs() -> tuple[str, ...]:
    """Every slug, sorted."""
    files = (each.name for each in resources.files("runtime.agents").joinpath("specialists").iterdir())
    return tuple(sorted(name.removesuffix(ENDING) for name in files if name.endswith(ENDING)))
