"""The API takes JSON alone. A page of another site can send a form or plain text to any address unasked; JSON it cannot."""

from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from api.problems import UnsupportedMediaType

__all__ = ["FORM", "check_content_type"]

FORM: Final = "form"
"""Key of a handler's `opt`: it takes a form, and trusts nothing that a browser adds to it by itself."""

NOT_JSON: Final = "The body has to be JSON, with `Content-Type: application/json`."


def check_content_type(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Check the type of a body, as a guard of every route; triggers of workflows and forms of the service take other kinds.

    Raises:
        UnsupportedMediaType: the body has another content type, or none.
    """
    if any(handler.opt.get(each) for each in ("workflow_content", FORM)):
        return
    headers = connection.headers
    has_body = headers.get("content-length", "0").strip() not in ("", "0") or "transfer-encoding" in headers
    if has_body and not _is_json(headers.get("content-type", "")):
        raise UnsupportedMediaType(NOT_JSON)


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))
