"""Nextcloud: the type of a file, and what a share is."""

import mimetypes
from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import NodeApiError
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from runtime.values.xml_reader import XmlError, XmlOptions, read_xml
from schemas.item import UNDEFINED

_AS_OBJECTS: Final = XmlOptions(explicit_root=False)


def mime(scope: Scope) -> Any:
    """Return the type that the name of the file tells; UNDEFINED where it tells none."""
    return mimetypes.guess_type(js_string(scope.parameters.get("path", "")))[0] or UNDEFINED


def shared(scope: Scope) -> Any:
    """Return the share that was made. Raise NodeApiError when Nextcloud made none, which it says with status 200."""
    try:
        answer = read_xml(js_string(scope.names["response"]), _AS_OBJECTS)
    except XmlError as error:
        raise NodeApiError(f"The answer of Nextcloud is not XML: {error}", item=scope.index) from error
    meta = answer.get("meta") if isinstance(answer, Mapping) else None
    if not isinstance(meta, Mapping):
        raise NodeApiError("The answer of Nextcloud does not say whether it shared", item=scope.index)
    if meta.get("status") != "ok":
        raise NodeApiError(js_string(meta.get("message") or meta.get("status")), item=scope.index)
    return answer.get("data")
