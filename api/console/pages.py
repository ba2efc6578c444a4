"""Pages of the console: made of jinja2 templates, under a policy that lets nothing run but the console's own files."""

import hashlib
import inspect
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response, get
from litestar.params import PathParameter

from api.authentication import PUBLIC, Principal
from api.console.icons import ICONS
from api.console.session import session_of
from api.problems import NotFound

__all__ = ["asset", "fragment", "page", "public_page", "render", "run_url"]

FOLDER: Final = Path(__file__).parent
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    "vary": "Cookie",
    "cross-origin-opener-policy": "same-origin",
}
TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
ASSETS: Final[Mapping[str, bytes]] = {
    path.name: path.read_bytes()
    for path in (*(FOLDER / "static").iterdir(), *(FOLDER / "vendor").iterdir())
    if path.suffix in TYPES
}
"""File name -> bytes, of everything that a page loads."""
VERSION: Final = hashlib.sha256(b"".join(ASSETS[name] for name in sorted(ASSETS))).hexdigest()[:12]
"""In the address of each asset, so that browsers keep it as long as it does not change."""


def run_url(workflow_id: str, *parts: str, **query: Any) -> str:
    """Return the address of a run's page, or of something below it; parameters that are None are left out."""
    path = "/".join(("/console/runs", *(quote(each, safe=":") for each in (workflow_id, *parts))))
    present = {name: value for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(present)}" if present else path


def show_time(moment: datetime | None) -> str:
    """Return `2026-01-15 12:00:00`, in UTC; an empty text for none."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def show_duration(milliseconds: float | None) -> str:
    """Return a duration in two units at most: `120 ms`, `3.2 s`, `4 min 5 s`, `2 h 10 min`; a dash for none."""
    if milliseconds is None:
        return "–"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def show_json(value: Any) -> str:
    """Return a value as indented JSON."""
    return orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode()


PAGES: Final = Environment(
    loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip
PAGES.filters |= {"epoch": datetime.timestamp, "time": show_time, "duration": show_duration, "pretty": show_json}
PAGES.policies["json.dumps_kwargs"] = {}  # members keep their order
PAGES.globals |= {"version": VERSION, "run_url": run_url, "icons": ICONS}


def render(template: str, /, **values: Any) -> str:
    """Return a template's text; `template` without its ending."""
    return PAGES.get_template(f"{template}.html.j2").render(values)


def page(request: Request[Principal, Any, Any], template: str, /, status: int = 200, **values: Any) -> Response[bytes]:
    """Return a page of somebody who has signed in."""
    own = {"user": request.user, "csrf": session_of(request).csrf, "here": request.url.path}
    return _html(render(template, **own, **values), status)


fragment = page
"""A part of a page, which htmx puts into it."""


def public_page(template: str, /, status: int = 200, **values: Any) -> Response[bytes]:
    """Return a page for anybody; with `user`, one that leads on to the others."""
    return _html(render(template, **{"user": None, "here": ""} | values), status)


def _html(text: str, status: int) -> Response[bytes]:
    return Response(
        text.encode("utf-8", "replace"), status_code=status, media_type="text/html; charset=utf-8", headers=HEADERS
    )


@get("/console/static/{name:str}", opt=PUBLIC, include_in_schema=False, sync_to_thread=False)
def asset(name: Annotated[str, PathParameter(max_length=100)]) -> Response[bytes]:
    """Return a file that pages load. Raises NotFound."""
    if name not in ASSETS:
        raise NotFound(inspect.getdoc(NotFound) or "")
    return Response(
        ASSETS[name],
        media_type=TYPES[Path(name).suffix],
        headers={"cache-control": "public, max-age=31536000, immutable"},
    )
