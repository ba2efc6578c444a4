"""Decodo: where requests go and how they are signed, by the kind of token, and the address to scrape."""

import base64
import binascii
from typing import Any

from runtime.integrations.filters import segment
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED


def _token(scope: Scope) -> str:
    return js_string(scope.credential.get("token") or "").strip()


def _is_pair(token: str) -> bool:
    """Return whether a token is `user:password` in base64, as the older ones are."""
    try:
        text = base64.b64decode(token, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return text.isprintable() and ":" in text


def address(scope: Scope) -> str:
    """Return the address of the API that takes the token."""
    pair = _is_pair(_token(scope))
    return "https://scraper-api.decodo.com/v2/scrape" if pair else "https://data.decodo.com/v1/scrape"


def authorization(scope: Scope) -> str:
    """Return the header."""
    token = _token(scope)
    return f"{'Basic' if _is_pair(token) else 'Bearer'} {token}"


def url(scope: Scope) -> Any:
    """Return the address of the page, or of the subreddit; UNDEFINED for targets that have a query."""
    parameters = scope.parameters
    if subreddit := parameters.get("subreddit"):
        sort = parameters.get("reddit_sort")
        return f"https://www.reddit.com/r/{segment(subreddit)}" + (f"/{segment(sort)}" if sort else "")
    return parameters.get("url") or UNDEFINED
