"""List the slugs of the specialist agents without reading their files: a specialist's file has its slug as name."""

from functools import cache
from importlib import resources
from typing import Final

SUFFIX: Final = ".yaml"


@cache
def slugs() -> tuple[str, ...]:
    """Return all slugs, sorted."""
    files = (each.name for each in resources.files("runtime.agents").joinpath("specialists").iterdir())
    return tuple(sorted(name.removesuffix(SUFFIX) for name in files if name.endswith(SUFFIX)))
