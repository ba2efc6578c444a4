"""The part common to all versions: one prepared request, how it is sent, and how its failures become errors."""

import asyncio
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from runtime.contract import ActivityContext, HttpResponse, MissingCredential, NodeApiError, NodeError
from runtime.contract.errors import NO_CREDENTIALS
from runtime.http import (
    TLS_MESSAGE,
    Failure,
    InvalidTokenError,
    InvalidUrlError,
    Request,
    TooManyRedirectsError,
    UnsupportedRedirectError,
    status_failure,
)
from runtime.http.credentials import Credential, CredentialError, apply, is_known, scheme
from runtime.http.exchange import Redirects
from runtime.http.fetch import Wire, fetch
from runtime.http.request import Outgoing
from schemas.diagnostic import Diagnostic, Location
from schemas.diagnostic.nodes import UnknownOption, UnsupportedChoice
from schemas.item import UNDEFINED

_DEFAULT_TIMEOUT_MS = 300_000
_CLIENT_ERRORS = 4
MAX_CONCURRENT_REQUESTS = 100  # n8n has no limit; sockets do


WRONG_ARGUMENT: Final = {"code": "ERR_INVALID_ARG_TYPE"}
"""What Node adds to the error of an argument of the wrong type."""


class RequestFailed(Exception):
    """Raised for a request that failed: the node's error, the object that n8n shows under continueOnFail, and the body
    of the response as a value (None: there is none).
    """

    def __init__(self, error: NodeApiError, error_object: Mapping[str, Any], body: Any = None) -> None:
        super().__init__(error.message)
        self.error, self.error_object, self.body = error, dict(error_object), body

    def details(self, i: int) -> dict[str, Any]:
        """Return what n8n adds to the error item of input item `i` from version 4.5 of the node on."""
        error = self.error
        description = {} if error.description is None else {"description": error.description}
        rest = {"httpCode": error.http_code, "body": self.body, "context": {"itemIndex": i}}
        return {"message": error.message} | description | rest


class Uncaught(NodeError):
    """An error that n8n raises past its own continueOnFail."""


@dataclass(frozen=True)
class PreparedRequest:
    """A request that is ready to be sent."""

    context: ActivityContext
    request: Request
    credential: Credential | None
    redirects: Redirects
    options: Mapping[str, Any]
    item: int
    certificate: Mapping[str, str] | None = None
    store: Callable[[int, Sequence[tuple[str, str]]], bool] | None = None
    """See ActivityContext.http."""

    def with_request(self, request: Request) -> "PreparedRequest":
        """Return the same call of another request."""
        return replace(self, request=request)

    async def send(self) -> "FinalResponse":
        """Return the last response. Raise RequestFailed when there is none."""
        if self.request.query is None:
            return await self.with_request(self._with_query()).send()
        wire = Wire(self._http, lambda: secrets.token_hex(16), self.context.now)
        try:
            answer, url = await fetch(wire, self.request, self.credential, self.redirects)
        except NodeApiError as error:
            raise self._failure_without_response(error) from error
        except TooManyRedirectsError as error:
            raise _request_error(str(error), "ERR_FR_TOO_MANY_REDIRECTS") from error
        except UnsupportedRedirectError as error:
            raise _request_error(str(error), "ERR_FR_REDIRECTION_FAILURE", error.reason) from error
        except InvalidUrlError as error:
            failed = _request_error("Invalid URL", "ERR_INVALID_URL")
            failed.error_object = {"code": "ERR_INVALID_URL", "input": self.request.url}
            raise failed from error
        except InvalidTokenError as error:
            failed = _request_error(str(error), "ERR_INVALID_HTTP_TOKEN")
            # n8n shows what a TypeError of Node has of its own
            failed.error_object = {"code": "ERR_INVALID_HTTP_TOKEN"}
            raise failed from error
        except CredentialError as error:
            raise _request_error(str(error), None, error.description) from error
        except ValueError as error:
            failed = _request_error(str(error), "ERR_BAD_REQUEST")
            failed.error_object["name"] = "AxiosError"
            raise failed from error
        assert isinstance(answer, HttpResponse)
        follows = self.redirects.follow(self.request.method.upper())
        return FinalResponse(answer, url, None if follows else self.request.encoded_url())

    def _with_query(self) -> Request:
        """Return the request with an empty query in place of null. Raise RequestFailed where no credential adds to it."""
        signed = self.request.copy()
        if self.credential is not None and not self.credential.is_oauth2:
            apply(signed, self.credential)
        if signed.query is None:
            raise RequestFailed(NodeApiError("Cannot convert undefined or null to object"), {})
        return replace(self.request, query={})

    def _failure_without_response(self, error: NodeApiError) -> Exception:
        """Return what to raise for a request without a whole response."""
        raw = (error.data.get("messages") or [error.message])[0]
        if raw == "aborted":  # n8n reads the body after the request, where it has no error object of axios
            return NodeError(raw, item=self.item)
        if raw == TLS_MESSAGE:
            error_object: dict[str, Any] = {"message": raw, "timestamp": int(self.context.now), "name": "NodeSslError"}
            cause = {"name": "Error", "message": error.description}
            return RequestFailed(error, error_object | {"context": {"itemIndex": self.item}, "cause": cause})
        name = "AxiosError" if raw.startswith("timeout of ") else "Error"
        error_object = {"message": raw, "name": name} | ({"code": error.http_code} if error.http_code else {})
        return RequestFailed(error, error_object)

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
            certificate=None if outgoing.bare else self.certificate,
            store=self.store,
            bare=outgoing.bare,
            wait=not self._takes_every_status(),
        )

    def _takes_every_status(self) -> bool:
        """Return whether the author wants responses with an error status, 429 too, as items."""
        response = (self.options.get("response") or {}).get("response") or {}
        return bool(response.get("neverError") or self.options.get("ignoreResponseCode"))


@dataclass(frozen=True)
class FinalResponse:
    """A response and the URL that gave it after redirects."""

    response: HttpResponse
    url: str
    requested_url: str | None = None
    """Where redirects are not followed: the URL of the request without what its credential added. n8n names a file by its path
    and query then (with the credential's)."""


def _request_error(message: str, code: str | None, description: str | None = None) -> RequestFailed:
    error = NodeApiError(message, http_code=code, description=description, data={"messages": [message]})
    name = f"Error [{code}]" if code and code.startswith("ERR_FR_") else "Error"  # as follow-redirects names its errors
    error_object: dict[str, Any] = {"message": message, "name": name}
    return RequestFailed(error, error_object | ({"code": code} if code else {}))


def api_error(failure: Failure, i: int) -> NodeApiError:
    """Return n8n's NodeApiError for a failure."""
    data = {"messages": failure.messages}
    return NodeApiError(
        failure.message, http_code=failure.http_code, description=failure.description, item=i, data=data
    )


def axios_error(raw: str, status: int) -> dict[str, Any]:
    """Return what n8n shows of a response with an error status."""
    code = "ERR_BAD_REQUEST" if status // 100 == _CLIENT_ERRORS else "ERR_BAD_RESPONSE"
    return {"message": raw, "name": "AxiosError", "code": code, "status": status}


def status_failed(
    status: int, raw: str, data: Any, i: int, error_object: Mapping[str, Any] | None = None
) -> RequestFailed:
    """Return the failure of a response with an error status: `raw` is n8n's text for it, `data` its body as a value.

    `error_object`: what n8n shows of it, if not axios' error.
    """
    failure = status_failure(status, raw, data)
    error = error_object or axios_error(failure.messages[0], status)
    return RequestFailed(api_error(failure, i), error, "" if data is UNDEFINED else data)


def stopped(message: str, description: str, i: int, now: float) -> RequestFailed:
    """Return the failure of pages that n8n does not go on with; `now` in milliseconds."""
    error = NodeApiError(message, description=description, item=i, data={"messages": [message]})
    error_object = {
        "message": message,
        "timestamp": int(now),
        "name": "NodeOperationError",
        "description": description,
        "context": {"itemIndex": i},
        "cause": {"name": "Error", "message": message},
    }
    return RequestFailed(error, error_object)


def check_credential(at: Location, parameter: str, type_: Any) -> Iterator[Diagnostic]:
    """Report a credential type, chosen by `parameter`, by which no request can be signed here.

    One that n8n does not know either is a warning: the run starts, and does with it what n8n's does (`credential_of`).
    """
    if not isinstance(type_, str) or not type_ or type_.startswith("=") or scheme(type_) is not None:
        return
    at, advice = at.within("parameters", parameter), "use a generic credential, such as Header Auth"
    if is_known(type_):
        yield UnsupportedChoice(at=at, type="n8n-nodes-base.httpRequest", name=parameter, value=type_, advice=advice)
    else:
        yield UnknownOption(at=at, name=parameter, value=type_, advice=f"n8n has no such credential type; {advice}")


NOT_FOUND: Final = "Credentials not found"
"""What n8n says in this node, which may use credentials of every type; in others it names what the node has none of."""


async def credential_of(
    context: ActivityContext, type_: str | None, i: int, shared: dict[str, Credential], *, generic: bool
) -> Credential | None:
    """Return the credential of this type, decrypted once per run of the node, so that a refreshed token serves all
    items. A `generic` type that n8n does not know signs nothing, as in n8n.

    Raises:
        MissingCredential: the tenant has none, and it is `generic`.
        RequestFailed: the tenant has none, and it is a vendor's.
        NodeError: no type is chosen, or no request can be signed by it.
    """
    if type_ is None or (generic and not is_known(type_)):
        return None
    if not type_:
        raise NodeError(NOT_FOUND, item=i)
    if type_ not in shared:
        try:
            data = dict(await context.credentials.get(type_, i, restricted=True))
        except MissingCredential as error:
            told = MissingCredential(NOT_FOUND, description=_reason(error))
            raise told if generic else _without_credential(context, told) from error
        if scheme(type_) is None:
            raise NodeApiError(f"Unrecognized credential type: {type_}", item=i)
        shared[type_] = Credential(type_, data, context.credentials)
    return shared[type_]


def _reason(error: MissingCredential) -> str | None:
    """Return what there is to say of a credential that is missing; that the step names none is said already."""
    reason = error.description or error.message
    return None if reason.startswith(NO_CREDENTIALS) else reason


def _without_credential(context: ActivityContext, error: MissingCredential) -> RequestFailed:
    """Return the failure of a request for want of its vendor's credential: n8n finds out while it sends."""
    shown = {"message": NOT_FOUND, "timestamp": int(context.now), "name": "NodeOperationError", "context": {}}
    failed = NodeApiError(error.message, description=error.description, data={"messages": [error.message]})
    return RequestFailed(failed, shown | {"cause": {"name": "Error", "message": NOT_FOUND}})


async def batch_pause(i: int, size: int, interval: float) -> None:
    """Wait `interval` seconds before item `i` if it begins a batch that is not the first."""
    if i and size >= 1 and interval > 0 and i % size == 0:
        await asyncio.sleep(interval)
