"""Answers as JSON, also those with text of JavaScript that has no UTF-8 form."""

from typing import Any

from litestar import Response
from litestar.exceptions import ImproperlyConfiguredException, SerializationException

from runtime.values.json_bytes import dumps

__all__ = ["JsonResponse"]


class JsonResponse(Response[Any]):
    """Writes half an emoji as JSON.stringify does: as an escape sequence."""

    def render(self, content: Any, *args: Any, **options: Any) -> bytes:
        """Return the body."""
        try:
            return super().render(content, *args, **options)
        except (ImproperlyConfiguredException, SerializationException, UnicodeError):
            return dumps(content)
