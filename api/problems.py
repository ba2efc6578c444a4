"""Error responses of the API: RFC 9457 problem details, one class per kind.

A problem says what is wrong and what to do, in the caller's terms. Internal causes go to the log.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

import orjson
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap
from temporalio.service import RPCError, RPCStatusCode

from runtime.platform.credentials import CredentialsUnavailable
from runtime.platform.jwks import JwksUnavailable
from runtime.platform.keys import SealError
from runtime.platform.postgres import (
    DatabaseUnavailable,
    StatementTimeout,
    TenantBusy,
    UnstorableValue,
    is_database_fault,
)
from runtime.platform.storage.blobs import BlobMissing, BlobTooLarge
from runtime.platform.storage.objects import PayloadStoreUnavailable
from runtime.platform.telemetry.logging import get_logger
from runtime.platform.temporal import TemporalUnavailable
from schemas.errors import InfrastructureError
from service.deletion_store import BeingDeletedError
from service.errors import (
    IdempotencyKeyReusedError,
    InputRefusedError,
    NotRetriableError,
    NotStartableError,
    ReplyPendingError,
    VersionGoneError,
)
from service.outages import TRANSIENT, is_outage

__all__ = ["HANDLERS", "PROBLEM_OF", "Problem", "problem_response"]

log = get_logger("tempor8.api")

HALF_A_CHARACTER: Final = "The request has text with half of a character (a lone surrogate such as \\ud83d), which cannot be stored. Remove it."
RETRY_AFTER_SECONDS: Final = "5"
"""Of the reply of a run that is not there yet."""


class Problem(Exception):
    """An answer that is an error. Subclasses declare `slug`, `status` and `title`; members are RFC 9457 extensions."""

    slug: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.detail, self.members = detail, members
        self.headers = dict(headers or {})

    def document(self, instance: str) -> dict[str, Any]:
        """Return the problem details object. `type` is relative to the service: GET it for an explanation."""
        return {
            "type": f"/problems/{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
        } | self.members


class BadRequest(Problem):
    """The request is not JSON, lacks a field, or has one of the wrong type. `errors` lists each with its place."""

    slug, status, title = "bad-request", 400, "The request is malformed"


class Unauthorized(Problem):
    """No API key came with the request, or one that is unknown, expired or revoked.

    Send it as `Authorization: Bearer <key>` or as `X-API-Key: <key>`. An operator makes one with
    `tempor8 tenants create NAME` or `tempor8 tenants key NAME`.
    """

    slug, status, title = "unauthorized", 401, "No valid API key"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="tempor8"'})


class TenantMismatch(Problem):
    """The body names another tenant than the key's. Leave `tenant_id` out, or use that tenant's key."""

    slug, status, title = "tenant-mismatch", 403, "The key belongs to another tenant"


class Forbidden(Problem):
    """The key may not do this."""

    slug, status, title = "forbidden", 403, "Not allowed"


class UnknownTemplate(Problem):
    """No template of that key is published for the tenant. `available` lists what there is."""

    slug, status, title = "unknown-template", 404, "No such template"


class UnknownRun(Problem):
    """The tenant has no run of that id. Runs of other tenants do not exist for you either."""

    slug, status, title = "unknown-run", 404, "No such run"


class UnknownWebhook(Problem):
    """Nothing listens there. The address is /webhook/{tenant}/{path}; publishing or activating a template registers it.

    `message` and `hint` are what n8n answers.
    """

    slug, status, title = "unknown-webhook", 404, "No such webhook"


class NotFound(Problem):
    """Nothing is at this address. The description of the API is at /openapi.json."""

    slug, status, title = "not-found", 404, "Nothing here"


class MethodNotAllowed(Problem):
    """The address exists, with another method; see the `Allow` header."""

    slug, status, title = "method-not-allowed", 405, "Method not allowed"


class RunClosed(Problem):
    """The run has ended, so there is nothing to cancel. `status` of the run is in `run_status`."""

    slug, status, title = "run-closed", 409, "The run has ended"


class RunOpen(Problem):
    """The run has not ended, so it has no result yet. Ask its status, or wait with `?wait=<seconds>`."""

    slug, status, title = "run-open", 409, "The run has not ended"


class NotWaiting(Problem):
    """The run does not wait for this answer: it was given, its time is up, or the run has not come to it or has ended.

    `GET /workflows/{id}/waits` says what it waits for.
    """

    slug, status, title = "not-waiting", 409, "The run does not wait for it"


class NotRetriable(Problem):
    """The run cannot be tried again like that. `detail` says why, and what can be done instead."""

    slug, status, title = "not-retriable", 409, "The run cannot be tried again like that"


class WebhookTaken(Problem):
    """Another template of the tenant listens at the same method and path. Nothing was published."""

    slug, status, title = "webhook-taken", 409, "The webhook's path is taken"


class BeingDeleted(Problem):
    """The template or the tenant is being deleted. Publish again when that is over, which takes minutes."""

    slug, status, title = "being-deleted", 409, "It is being deleted"


class TooLarge(Problem):
    """The body is over the limit (`TEMPOR8_BODY_LIMIT`, in bytes)."""

    slug, status, title = "body-too-large", 413, "The body is too large"


class UnsupportedMediaType(Problem):
    """The body's Content-Type is not one that this address takes."""

    slug, status, title = "unsupported-media-type", 415, "Unsupported media type"


class DoesNotCompile(Problem):
    """The export has errors. `diagnostics` has what `tempor8 check` would say, with file, node, line and column."""

    slug, status, title = "does-not-compile", 422, "The export does not compile"


class CodeSwitchedOff(Problem):
    """The operator has switched code of authors off for this tenant, and the export has some. `nodes` names the nodes."""

    slug, status, title = "code-switched-off", 403, "Code nodes are switched off"


class KeyReused(Problem):
    """The `Idempotency-Key` was used before with another request. Use a new key for a new request."""

    slug, status, title = "idempotency-key-reused", 422, "The idempotency key was used for another request"


class NotStartable(Problem):
    """The template has no start node that a request could start."""

    slug, status, title = "not-startable", 422, "The template cannot be started"


class DataGone(Problem):
    """Stored data that this needs is gone, or sealed with a key that the service does not have. `detail` says which.

    An operator restores Postgres (or the bucket) from the backup that fits Temporal's, or adds the key to
    TEMPOR8_RETIRED_MASTER_KEYS.
    """

    slug, status, title = "data-gone", 410, "Stored data is gone"


class TooManyRequests(Problem):
    """Too much at once; try again after the time in `Retry-After`."""

    slug, status, title = "too-many-requests", 429, "Too many requests"


class Internal(Problem):
    """A mistake of the service. The log has the details under `incident`."""

    slug, status, title = "internal-error", 500, "The service made a mistake"


class Unavailable(Problem):
    """A server that this needs does not answer. `component` says which; all recovers by itself once it is back."""

    slug, status, title = "unavailable", 503, "A server does not answer"

    def __init__(self, component: str, detail: str) -> None:
        super().__init__(detail, headers={"Retry-After": "2"}, component=component)


class ReplyPending(Problem):
    """The run has begun and goes on, and its reply is not there in time; `detail` says why. `links.status` shows the run.

    Do not start it again without need: a request with the same Idempotency-Key (or the same delivery id of its sender) attaches
    to this run and gets its reply.
    """

    slug, status, title = "reply-pending", 503, "The run has begun and has no reply yet"

    def __init__(self, error: ReplyPendingError) -> None:
        links = {"status": f"/workflows/{error.workflow_id}/status"}
        super().__init__(
            str(error), headers={"Retry-After": RETRY_AFTER_SECONDS}, workflow_id=error.workflow_id, links=links
        )


TEMPORAL_DOWN: Final = (
    "Temporal does not answer. Start it (`docker compose up -d temporal`, or `tempor8 dev` for the embedded server), "
    "or correct TEMPORAL_ADDRESS."
)
POSTGRES_DOWN: Final = (
    "Postgres does not answer. Start it (`docker compose up -d postgres`, or `tempor8 dev` for the embedded server), "
    "or correct DATABASE_URL."
)
SEALED: Final = "The data were sealed with a key that the service does not have (TEMPOR8_RETIRED_MASTER_KEYS)."
STATEMENT_SLOW: Final = (
    "Postgres did not finish the statement in its time. Ask for less: a shorter window or a filter; or try again later."
)
STATEMENT_GIVEN_UP: Final = (
    "Postgres gave up the statement, because of others that ran beside it or for want of resources. Try again."
)
MISTAKE: Final = "The service made a mistake; its log has the details under the incident."
BY_STATUS: Final[Mapping[int, type[Problem]]] = {
    404: NotFound, 405: MethodNotAllowed, 413: TooLarge, 415: UnsupportedMediaType, 429: TooManyRequests,
}  # fmt: skip


def problem_response(problem: Problem, path: str) -> Response[bytes]:
    """Return the HTTP response of a problem."""
    return Response(
        orjson.dumps(problem.document(path)),
        status_code=problem.status,
        media_type="application/problem+json",
        headers=problem.headers,
    )


def from_http(error: HTTPException) -> Problem:
    """Return the problem of an error of Litestar, without its text, which may quote internals."""
    if isinstance(error, ValidationException) or error.status_code == 400:
        return _malformed(error)
    kind = BY_STATUS.get(error.status_code)
    if kind is None:
        return BadRequest("The request cannot be understood.") if error.status_code < 500 else internal(error)
    headers = {"Allow": error.headers["Allow"]} if error.headers and "Allow" in error.headers else {}
    return kind((kind.__doc__ or kind.title).split("\n")[0], headers=headers)


def _malformed(error: HTTPException) -> Problem:
    extra = error.extra if isinstance(error.extra, list) else []
    errors = [
        {"at": str(each.get("key", "")), "message": str(each.get("message", ""))}
        for each in extra
        if isinstance(each, dict)
    ]
    if not errors:
        return BadRequest("The body is not the JSON object that this address takes.")
    return BadRequest("; ".join(f"{each['at'] or 'body'}: {each['message']}" for each in errors), errors=errors)


def from_rpc(error: RPCError) -> Problem:
    """Return the problem of an error of Temporal's client that no handler expected."""
    if error.status in TRANSIENT:
        log.warning("Temporal does not answer", status=error.status.name, reason=error.message)
        return Unavailable("temporal", TEMPORAL_DOWN)
    if error.status is RPCStatusCode.RESOURCE_EXHAUSTED:
        return TooManyRequests("Temporal takes no more at the moment.", headers={"Retry-After": "1"})
    return internal(error)


def from_runtime(error: RuntimeError) -> Problem:
    """Return the problem of a RuntimeError: a lazy client raises one for a server that it never reached."""
    return Unavailable("temporal", TEMPORAL_DOWN) if "connect" in str(error).lower() else internal(error)


def from_database(error: DatabaseUnavailable) -> Problem:
    """Return the problem of a database that is down: it names no address and no cause; the log does."""
    if isinstance(error, PayloadStoreUnavailable):
        log.warning("the payload store does not answer", reason=str(error))
        return Unavailable("payload store", "The store of large payloads does not answer, or is not set up here.")
    log.warning("Postgres does not answer", reason=str(error), cause=str(error.__cause__))
    return Unavailable("postgres", POSTGRES_DOWN)


def from_infrastructure(error: InfrastructureError) -> Problem:
    """Return the problem of another server that is away: the store of large payloads, or of credentials."""
    log.warning("a server does not answer", cause=type(error).__name__, reason=str(error))
    if isinstance(error, CredentialsUnavailable):
        return Unavailable("vault", "The credential store does not answer.")
    if isinstance(error, JwksUnavailable):
        return Unavailable("identity provider", "The keys that tokens are verified with cannot be read.")
    return Unavailable("storage", "The store of large payloads does not answer.")


def from_slow_statement(error: StatementTimeout) -> Problem:
    """Return the problem of a report over more rows than it can read in its time."""
    log.warning("a statement took too long", reason=str(error))
    return Unavailable("postgres", STATEMENT_SLOW)


def from_data(error: UnstorableValue) -> Problem:
    """Return the problem of a value that Postgres cannot store: a NUL character, a number that is too large."""
    log.warning("Postgres refuses a value", cause=str(error))
    return BadRequest("The request has a value that cannot be stored: a NUL character, or a number that is too large.")


def from_unexpected(error: Exception) -> Problem:
    """Return the problem of an error that no handler expected: a deadlock of Postgres is no mistake of the service."""
    if is_database_fault(error) and is_outage(error):
        log.warning("Postgres gave up a statement", cause=type(error).__name__, reason=str(error))
        return Unavailable("postgres", STATEMENT_GIVEN_UP)
    return internal(error)


def internal(error: BaseException, detail: str = MISTAKE) -> Problem:
    """Log the error under a number, and return the problem with this number."""
    incident = uuid.uuid4().hex[:12]
    log.error("request failed", incident=incident, exc_info=error)
    return Internal(detail, incident=incident)


PROBLEM_OF: Final[Mapping[type[Exception], Callable[[Any], Problem]]] = {
    Problem: lambda error: error,
    HTTPException: from_http,
    IdempotencyKeyReusedError: lambda error: KeyReused(str(error)),
    BeingDeletedError: lambda error: BeingDeleted(str(error)),
    NotStartableError: lambda error: NotStartable(str(error)),
    InputRefusedError: lambda error: BadRequest(str(error)),
    RecursionError: lambda _: BadRequest("The JSON of the request is nested too deep."),
    UnicodeDecodeError: lambda _: BadRequest("The request has bytes that are not UTF-8."),
    UnicodeEncodeError: lambda _: BadRequest(HALF_A_CHARACTER),
    NotRetriableError: lambda error: NotRetriable(str(error)),
    ReplyPendingError: ReplyPending,
    VersionGoneError: lambda error: UnknownTemplate(str(error), available=[]),
    DatabaseUnavailable: from_database,
    StatementTimeout: from_slow_statement,
    TenantBusy: lambda error: TooManyRequests(str(error), headers={"Retry-After": "2"}),
    TemporalUnavailable: lambda _: Unavailable("temporal", TEMPORAL_DOWN),
    RPCError: from_rpc,
    InfrastructureError: from_infrastructure,
    UnstorableValue: from_data,
    BlobMissing: lambda error: DataGone(error.message),
    SealError: lambda _: DataGone(SEALED),
    BlobTooLarge: lambda error: TooLarge(error.message),
    RuntimeError: from_runtime,
    Exception: from_unexpected,
}
"""Kind of error that a handler may raise -> what makes its problem."""


def _handler(make: Callable[[Any], Problem]) -> Callable[[Request[Any, Any, Any], Any], Response[bytes]]:
    def handle(request: Request[Any, Any, Any], error: Any) -> Response[bytes]:
        raw = request.scope.get("raw_path")  # `path` has lost the prefix of what is mounted
        return problem_response(make(error), raw.decode("latin-1") if raw else request.url.path)

    return handle


HANDLERS: Final[ExceptionHandlersMap] = {kind: _handler(make) for kind, make in PROBLEM_OF.items()}
