"""Problems as pages. Who is not signed in is led to the sign-in, and back afterwards."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.response import Redirect
from litestar.types import ExceptionHandlersMap

from api.console.pages import public_page
from api.console.session import end_session
from api.problems import PROBLEM_OF, Problem, Unauthorized

__all__ = ["PAGE_HANDLERS", "SIGN_IN_PATH"]

SIGN_IN_PATH: Final = "/console/sign-in"


def problem_page(request: Request[Any, Any, Any], problem: Problem) -> Response[Any]:
    """Return the page of a problem."""
    if isinstance(problem, Unauthorized):
        return _to_sign_in(request)
    user = request.scope.get("user")
    response = public_page("problem", problem.status, problem=problem, user=user, here=request.url.path)
    response.headers.update(problem.headers)
    return response


def _to_sign_in(request: Request[Any, Any, Any]) -> Response[Any]:
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    wants_page = request.method == "GET" and "hx-request" not in request.headers
    to = f"{SIGN_IN_PATH}?{urlencode({'next': path})}" if wants_page else SIGN_IN_PATH
    response: Response[Any]
    if "hx-request" in request.headers:
        response = Response(b"", status_code=401, media_type="text/html", headers={"HX-Redirect": to})
    else:
        response = Redirect(to, status_code=303)
    end_session(response)
    return response


def _handler(make: Callable[[Any], Problem]) -> Callable[[Request[Any, Any, Any], Any], Response[Any]]:
    def handle(request: Request[Any, Any, Any], error: Any) -> Response[Any]:
        return problem_page(request, make(error))

    return handle


PAGE_HANDLERS: Final[ExceptionHandlersMap] = {kind: _handler(make) for kind, make in PROBLEM_OF.items()}
