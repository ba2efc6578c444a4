"""What the author of an export says about it: its description, and `meta.tempor8`."""

import json
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["author_description", "author_metadata"]

_KEPT: Final[Mapping[str, type | tuple[type, ...]]] = {"duration_s": (int, float), "source": str}
"""Members of `meta.tempor8` that lists of templates show."""


def author_metadata(export: str) -> dict[str, Any]:
    """Return what `meta.tempor8` says: {duration_s: expected seconds, source}, each where it is given, and the credentials
    that the export names in addition to those of its steps (`more_credentials`).
    """
    own = _own(_fields(export))
    found = {key: own[key] for key, kind in _KEPT.items() if isinstance(own.get(key), kind)}
    credentials = own.get("credentials")
    named = [_credential(each) for each in credentials] if isinstance(credentials, list) else []
    return found | {"more_credentials": [each for each in named if each is not None]}


def author_description(export: str) -> str:
    """Return the author's description of the workflow, from any of the places where it can stand."""
    fields = _fields(export)
    meta = fields.get("meta")
    places = (fields.get("description"), meta.get("description") if isinstance(meta, dict) else None)
    texts = (*places, _own(fields).get("description"))
    return next((text for text in texts if isinstance(text, str) and text), "")


def _fields(export: str) -> Mapping[str, Any]:
    try:
        document = json.loads(export)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _own(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = fields.get("meta")
    own = meta.get("tempor8") if isinstance(meta, dict) else None
    return own if isinstance(own, dict) else {}


def _credential(value: Any) -> dict[str, str] | None:
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        return None
    return {"type": value["type"], "name": str(value.get("name") or "")}
