"""The text of a question that goes out as HTML: by mail, or in a chat that shows it."""

from html import escape
from typing import Final

from runtime.integrations.scope import Scope

__all__ = ["question_html"]

_BUTTON: Final = (
    '<a href="{url}" target="_blank" style="padding:8px 16px;border:1px solid #888;border-radius:4px">{label}</a>'
)


def question_html(scope: Scope) -> str:
    """Return the message (`$message`), which is HTML as in n8n, with its buttons (`$buttons`) as links."""
    links = " ".join(
        _BUTTON.format(url=escape(each["url"]), label=escape(each["label"])) for each in scope.names["buttons"]
    )
    return f'<div style="white-space:pre-line">{scope.names["message"]}</div><p>{links}</p>'
