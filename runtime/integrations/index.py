"""The index of vendors: which folder describes a node type. A vendor is loaded when one of its types is first used."""

import json
from collections.abc import Iterable, Mapping
from functools import cache

from runtime.integrations.folder import FOLDER
from schemas.node import Node

__all__ = ["build", "types"]


@cache
def types() -> Mapping[str, str]:
    """Return type -> folder (`index.json`, which `make generate` writes)."""
    found: dict[str, str] = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
    return found


def build(type_: str, folder: str) -> Iterable[type[Node]]:
    """Return the classes of a type."""
    from runtime.integrations.loader import build as build_classes  # noqa: PLC0415  # reads YAML: at first use only

    return build_classes(type_, folder)
