"""What both shapes share: one prepared request, how it is sent, and how its failures are told."""

import asyncio
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runtime.contract import ActivityContext, HttpResponse, NodeApiError, NodeError
from runtime.http import Failure, InvalidUrlError, Request, TooManyRedirectsError, UnsupportedRedirectError
from runtime.http.credentials import Credential, CredentialError, scheme
from runtime.http.exchange import Redirects
from runtime.http.fetch import Wire, fetch
from runtime.http.request import Outgoing
from schemas.diagnostic import Diagnostic, Location
from schemas.diagnostic.nodes import UnsupportedChoice

_DEFAULT_TIMEOUT_MS = 300_000
AT_ONCE = 100  # n8n has no limit; sockets do


class Failed(Exception):
    """A request that failed: the node's error, and the object that n8n shows under continueOnFail."""

    def __init__(self, error: NodeApiError, shown: Mapping[str, Any]) -> None:
        super().__init__(error.message)
        self.error, self.shown = error, dict(shown)


class Uncaught(NodeError):
    """An error that n8n raises past its own continueOnFail."""


@dataclass(frozen=True)
class Call:
    """A request that is ready to go."""

    context: ActivityContext
    request: Request
    credential: Credential | None
    redirects: Redirects
    options: Mapping[str, Any]
    item: int
    certificate: Mapping[str, str] | None = None
    store: Callable[[int, Sequence[tuple[str, str]]], bool] | None = None
    """See ActivityContext.http."""

    def with_request(self, request: Request) -> "Call":
        """The same call of another request."""
        return replace(self, request=request)

    async def send(self) -> "Answered":
        """The last response. Raises Failed when there is none."""
        wire = Wire(self._http, lambda: secrets.token_hex(16), self.context.now)
        try:
            answer, url = await fetch(wire, self.request, self.credential, self.redirects)
        except NodeApiError as error:
            raise Failed(error, _connection_error(error)) from error
        except TooManyRedirectsError as error:
            raise _refused(str(error), "ERR_FR_TOO_MANY_REDIRECTS") from error
        except UnsupportedRedirectError as error:
            raise _refused(str(error), "ERR_FR_REDIRECTION_FAILURE") from error
        except InvalidUrlError as error:
            raise _refused("Invalid URL", "ERR_INVALID_URL") from error
        except CredentialError as error:
            raise _refused(str(error), None, error.description) from error
        except ValueError as error:
            raise _refused(str(error), "ERR_BAD_REQUEST") from error
        assert isinstance(answer, HttpResponse)
        return Answered(answer, url)

    async def _http(self, outgoing: Outgoing) -> HttpResponse:
        options = self.options
        return await self.context.http.request(
            outgoing.method,
            outgoing.url,
            headers=outgoing.headers,
            content=outgoing.content,
            timeout=(options.get("timeout") or _DEFAULT_TIMEOUT_MS) / 1000,
            follow_redirects=False,
            verify=not options.get("allowUnauthorizedCerts"),
            proxy=options.get("proxy") or None,
            item=self.item,
            certificate=self.certificate,
            store=self.store,
        )


@dataclass(frozen=True)
class Answered:
    """A response and the URL that gave it after redirects."""

    response: HttpResponse
    url: str


def _refused(message: str, code: str | None, description: str | None = None) -> Failed:
    error = NodeApiError(message, http_code=code, description=description, data={"messages": [message]})
    shown: dict[str, Any] = {"message": message, "name": "Error"}
    return Failed(error, shown | ({"code": code} if code else {}))


def _connection_error(error: NodeApiError) -> dict[str, Any]:
    raw = (error.data.get("messages") or [error.message])[0]
    name = "AxiosError" if raw.startswith("timeout of ") else "Error"
    return {"message": raw, "name": name} | ({"code": error.http_code} if error.http_code else {})


def api_error(failure: Failure, i: int) -> NodeApiError:
    """n8n's NodeApiError for a failure."""
    data = {"messages": failure.messages}
    return NodeApiError(
        failure.message, http_code=failure.http_code, description=failure.description, item=i, data=data
    )


def axios_error(raw: str, status: int) -> dict[str, Any]:
    """What n8n shows of a response with an error status."""
    code = {4: "ERR_BAD_REQUEST", 5: "ERR_BAD_RESPONSE"}.get(status // 100)
    return {"message": raw, "name": "AxiosError"} | ({"code": code} if code else {}) | {"status": status}


def check_credential(at: Location, parameter: str, type_: Any) -> Iterator[Diagnostic]:
    """A credential type, chosen by `parameter`, by which no request can be signed here."""
    if isinstance(type_, str) and type_ and not type_.startswith("=") and scheme(type_) is None:
        advice = "use a generic credential, such as Header Auth"
        at = at.within("parameters", parameter)
        yield UnsupportedChoice(at=at, type="n8n-nodes-base.httpRequest", name=parameter, value=type_, advice=advice)


async def credential_of(
    context: ActivityContext, type_: str | None, i: int, shared: dict[str, Credential]
) -> Credential | None:
    """The credential of this type, decrypted once per run of the node, so that a refreshed token serves all items."""
    if type_ is None:
        return None
    if not type_:
        raise NodeError("Credentials not found", item=i)
    if scheme(type_) is None:
        raise NodeApiError(f"Unrecognized credential type: {type_}", item=i)
    if type_ not in shared:
        shared[type_] = Credential(type_, dict(await context.credentials.get(type_, i)))
    return shared[type_]


async def batch_pause(i: int, size: int, interval: float) -> None:
    """Wait `interval` seconds before item `i` if it begins a batch that is not the first."""
    if i and size >= 1 and interval > 0 and i % size == 0:
        await asyncio.sleep(interval)
