"""The pages on which accounts are connected."""

from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response

from service.account_links import CONNECT, Account

__all__ = ["done_page", "error_page", "key_page", "vendor_page"]

_PAGES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)
_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
}


def key_page(account: Account, *, error: str = "", status: int = 200) -> Response[bytes]:
    """Return the page that asks for an API key."""
    return _page("Connect an account", account, status, ask_key=True, error=error)


def vendor_page(account: Account, url: str) -> Response[bytes]:
    """Return the page with the way to the vendor, who asks the owner."""
    text = "You allow its use at the vendor. Go on only if you know this credential."
    return _page("Connect an account", account, 200, url=url, host=urlsplit(url).netloc, text=text)


def done_page(account: Account) -> Response[bytes]:
    """Return the page after an account was connected."""
    return _page("The account is connected", account, 200, text="Runs use it from now on. You can close this page.")


def error_page(error: str, account: Account | None = None, *, status: int = 400) -> Response[bytes]:
    """Return a page that says what is wrong."""
    return _page("The account is not connected", account, status, error=error)


def _page(title: str, account: Account | None, status: int, **values: Any) -> Response[bytes]:
    names = {"error": "", "text": "", "url": "", "host": "", "ask_key": False, "action": CONNECT} | values
    page = _PAGES.get_template("account.html.j2").render(title=title, account=account, **names)
    return Response(
        page.encode("utf-8", "replace"), status_code=status, media_type="text/html; charset=utf-8", headers=_HEADERS
    )
