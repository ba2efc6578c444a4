"""`/docs`: Swagger UI over the description that the service has of itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from litestar import Response, get
from litestar.params import PathParameter

from api.authentication import PUBLIC
from api.problems import NotFound

__all__ = ["docs_asset", "docs_page"]

FOLDER: Final = Path(__file__).parent
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
ASSETS: Final[Mapping[str, bytes]] = {
    path.name: path.read_bytes()
    for path in (*(FOLDER / "static").iterdir(), *(FOLDER / "vendor").glob("swagger-ui*"))
    if path.suffix in TYPES
}
"""File name -> bytes, of everything that the page loads."""
PAGE: Final = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>tempor8: API</title>
<link rel="icon" href="/console/static/icon.svg">
<link rel="stylesheet" href="/docs/static/swagger-ui.css">
<script defer src="/docs/static/swagger-ui-bundle.js"></script>
<script defer src="/docs/static/docs.js"></script>
</head>
<body><main id="docs"><p><a href="/openapi.json">OpenAPI 3.1</a></p></main></body>
</html>
"""


@get("/docs", opt=PUBLIC, include_in_schema=False, sync_to_thread=False)
def docs_page() -> Response[bytes]:
    """Return the page."""
    return Response(PAGE, media_type="text/html; charset=utf-8", headers={"content-security-policy": POLICY})


@get("/docs/static/{name:str}", opt=PUBLIC, include_in_schema=False, sync_to_thread=False)
def docs_asset(name: Annotated[str, PathParameter(max_length=100)]) -> Response[bytes]:
    """Return a file that the page loads. Raises NotFound."""
    if name not in ASSETS:
        raise NotFound("There is no such file.")
    return Response(
        ASSETS[name], media_type=TYPES[Path(name).suffix], headers={"cache-control": "public, max-age=3600"}
    )
