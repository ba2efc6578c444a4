"""A request of a descriptor: built from values, signed, sent, and its response read. Errors are n8n's NodeApiError."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from runtime.contract import ActivityContext, HttpResponse, MissingCredential, NodeApiError, NodeError
from runtime.http import Form, Json, Multipart, Request, status_failure
from runtime.http.address import InvalidUrlError
from runtime.http.answer import axios_data, content_type, file_name
from runtime.http.body import MULTIPART, Body, Bytes, field_part
from runtime.http.body import Part as BodyPart
from runtime.http.credentials import Credential, CredentialError, scheme
from runtime.http.exchange import Redirects, TooManyRedirectsError, UnsupportedRedirectError
from runtime.http.fetch import Wire, fetch
from runtime.http.request import Outgoing
from runtime.http.traces import shows
from runtime.integrations.descriptor import Descriptor, ErrorRule, Part, RequestSpec, holds_in
from runtime.integrations.failure_facts import Answered, vendors_code
from runtime.integrations.model_requests import asks_model, metered_response
from runtime.integrations.request_options import RequestOptions
from runtime.integrations.scope import Scope
from runtime.integrations.values import evaluate, evaluate_path, holds
from runtime.values.binary import NoBinaryError, binary_of
from runtime.values.javascript import js_string, json_stringify
from schemas.item import UNDEFINED
from schemas.request_limits import RequestLimits

__all__ = ["ANSWERED", "Response", "Sender"]

_ERROR_STATUS: Final = 400
_UNAUTHORIZED: Final = 401
_QUERY: Final = " query"
"""Among what is shared: the query that the items so far have made; no step has such a name."""
ANSWERED: Final = " answered"
"""The same of what is known of the last answer."""
_SUCCESS: Final = range(200, 300)
_REDIRECTS: Final = Redirects(5, keep_authorization=False)


@dataclass(frozen=True)
class Response:
    """A response as the values of a descriptor see it."""

    body: Any
    """Parsed; a reference to a file where the request asks for one."""
    status: int
    headers: Mapping[str, str]

    def names(self) -> dict[str, Any]:
        """Return the names of the scope that it sets."""
        return {"response": self.body, "status": self.status, "headers": self.headers}


@dataclass(frozen=True)
class Sender:
    """Sends the requests of one run of a node."""

    context: ActivityContext
    descriptor: Descriptor
    credential: Credential | None
    missing: MissingCredential | None = None
    """Why there is no credential, which requests that are signed raise."""
    shared: dict[str, Any] = field(default_factory=dict)
    """Responses of steps that serve all items, by name."""
    options: RequestOptions = field(default_factory=RequestOptions)

    async def send(self, spec: RequestSpec, scope: Scope, changes: Mapping[str, Any] | None = None) -> Response:
        """Send a request. Raise NodeError.

        Args:
            spec: the request.
            scope: the names of its values.
            changes: `query`, `json`, `form` (merged) and `url` (with its query), `path` (in place) of a further page, evaluated.
        """
        with self._told(scope):
            request = await self._request(spec, scope, changes or {})
            if self.missing is not None and not spec.bare:
                raise self.missing
        ask = partial(self._answer, spec, scope, request)
        if not asks_model(self.descriptor, request):
            return await ask()
        credential = self.credential.type if self.credential else ""
        return await metered_response(self.context, request, ask, credential=credential, shared=self.shared)

    async def _answer(self, spec: RequestSpec, scope: Scope, request: Request) -> Response:
        """Send a request that is made, and return its response. Raise NodeError."""
        signs = self._signs(spec)
        with self._told(scope):
            send = partial(self._http, spec, scope.index, request.url if signs else None)
            wire = Wire(send, lambda: secrets.token_hex(16), self.context.now)
            signer = self.credential if signs else None
            answer, url = await fetch(wire, request, signer, _REDIRECTS)
            if answer.status == _UNAUTHORIZED and self._repeats(spec):
                answer, url = await fetch(wire, request, signer, _REDIRECTS)
        assert isinstance(answer, HttpResponse)
        headers = {name.lower(): value for name, value in answer.headers}
        media, charset = content_type(answer.headers)
        answered = Answered(answer.status, media, empty=not (answer.body or answer.stored))
        self.shared[ANSWERED] = answered
        if answer.status >= _ERROR_STATUS and answer.status not in spec.accept:
            body = axios_data(answer.body, charset)
            self.shared[ANSWERED] = replace(answered, code=vendors_code(body, answer.status))
            if spec.plain_errors:
                raise NodeError(f"Request failed with status code {answer.status}", item=scope.index)
            raise self._failure(answer.status, body, scope)
        response = Response(await self._body(spec, answer, url, scope), answer.status, headers)
        self._check(response, scope)
        return response

    @contextmanager
    def _told(self, scope: Scope) -> Iterator[None]:
        """Tell what is wrong with a request that is not sent as n8n does. Raise NodeApiError."""
        try:
            yield
        except CredentialError as error:
            raise NodeApiError(str(error), description=error.description, item=scope.index) from error
        except (TooManyRedirectsError, UnsupportedRedirectError, ValueError, LookupError) as error:
            raise self._unsent(error, scope) from error

    def _unsent(self, error: Exception, scope: Scope) -> NodeApiError:
        """Return the error of a request that could not be sent; what is wrong with an address n8n says without the vendor's name."""
        if isinstance(error, InvalidUrlError):
            return NodeApiError(
                str(error), description=f"The node asks {self.descriptor.name} there.", item=scope.index
            )
        told = str(error) if isinstance(error, ValueError) else f"{self.descriptor.name}: {error}"
        return NodeApiError(told, item=scope.index)

    def _limits(self, spec: RequestSpec) -> RequestLimits | None:
        found = spec.limits or self.descriptor.limits
        return None if found is None else RequestLimits(found.requests, found.seconds, found.parallel, found.name)

    def _repeats(self, spec: RequestSpec) -> bool:
        """Return whether a request that is answered 401 is sent again. `fetch` does so itself with a token of OAuth2."""
        repeats = holds_in(self.descriptor.repeat_unauthorized, self.context.version)
        repeats = repeats and spec.repeat_unauthorized and not spec.bare
        return repeats and self.credential is not None and not self.credential.is_oauth2

    def _signs(self, spec: RequestSpec) -> bool:
        """Return whether the rule of the credential's type signs the request."""
        if not (spec.sign and self.descriptor.sign) or spec.bare or self.credential is None:
            return False
        return scheme(self.credential.type) is not None

    async def _request(self, spec: RequestSpec, scope: Scope, changes: Mapping[str, Any]) -> Request:
        body = await self._content(
            spec, scope, changes
        )  # a file that is not there is told before an address that is none
        described = replace(scope, of_program=False)  # the descriptor's own values have holes wherever they are read
        url = changes.get("url") or _text(evaluate(spec.url, scope))
        if not url and spec.url is not None:
            raise InvalidUrlError("Invalid URL")
        if not url:
            path = _text(changes.get("path")) or evaluate_path(spec.path, scope)
            if self.descriptor.declarative and path.startswith(
                "//"
            ):  # a first part that is empty leaves one slash, as in n8n
                path = path[1:]
            url = _text(evaluate(self.descriptor.base, described)) + _text(path)
        request = Request(_text(evaluate(spec.method, scope)), url, arrays=spec.arrays)
        shared = {} if spec.bare else evaluate(dict(self.descriptor.headers), described)
        request.headers = dict(_object(shared) | _object(evaluate(spec.headers, scope)))
        kept = self.shared.setdefault(_QUERY, {}) if spec.keeps_query else {}
        own = (
            None if "url" in changes else evaluate(spec.query, scope.having(kept=kept))
        )  # a further page's address has its query
        kept = kept | _object(own)
        request.query = kept | _object(changes.get("query"))
        if spec.keeps_query:
            self.shared[_QUERY] = kept
        request.body = body
        if spec.type is not None and not isinstance(request.body, Multipart | None):
            request.set_header("content-type", _text(evaluate(spec.type, scope)))
        if self.credential is None or self.credential.type != "aws":  # what is not there needs no signature
            request.default_header("accept", "application/json" if spec.response == "json" else "*/*")
        return request

    async def _content(self, spec: RequestSpec, scope: Scope, changes: Mapping[str, Any]) -> Body | None:
        if spec.multipart is not None:
            parts = [
                part for each in spec.multipart if holds(each.when, scope) for part in await self._parts(each, scope)
            ]
            return Multipart(parts, _text(evaluate(spec.type, scope)) or MULTIPART)
        if spec.file is not None:
            ref = _binary(scope, evaluate(spec.file, scope))
            return Bytes(await self.context.blobs.open(ref), ref.get("mimeType"))
        if spec.body is not None:
            return Bytes(_text(evaluate(spec.body, scope)), _text(evaluate(spec.type, scope)) or "text/plain")
        if spec.form is not None:
            return Form(_object(evaluate(spec.form, scope)) | _object(changes.get("form")), spec.arrays)
        if spec.json_ is None and "json" not in changes:
            return None
        value = evaluate(spec.json_, scope)
        if value is UNDEFINED and "json" not in changes:
            return None
        if isinstance(value, Mapping) or value is None or value is UNDEFINED:
            value = _object(value) | _object(changes.get("json"))
        return None if value == {} and self._omits_empty_json else Json(value)

    @property
    def _omits_empty_json(self) -> bool:
        return self.descriptor.omits_empty_json or self.descriptor.declarative

    async def _parts(self, part: Part, scope: Scope) -> list[BodyPart]:
        if part.each is not None:
            found, one = evaluate(part.each, scope), part.model_copy(update={"each": None})
            elements = found if isinstance(found, list) else []
            scopes = [scope.having(each=each, index=i) for i, each in enumerate(elements)]
            return [made for inner in scopes for made in await self._parts(one, inner)]
        if part.fields is not None:
            fields = _object(evaluate(part.fields, scope))
            return [
                _field(name, "null" if each is None else each)
                for name, value in fields.items()
                for each in _each(value)
            ]
        name = _text(evaluate(part.name, scope))
        if part.file is None:
            value = evaluate(part.value, scope)
            return (
                []
                if value is UNDEFINED
                else [_field(name, "null" if value is None else value, _text(evaluate(part.type, scope)))]
            )
        ref = _binary(scope, evaluate(part.file, scope))
        filename = None
        if part.filename is not False:  # Node's form-data keeps the last part of a path alone
            given = _text(evaluate(part.filename, scope)) or ref.get("fileName")
            filename = given and given.rstrip("/").rpartition("/")[2]
        type_ = _text(evaluate(part.type, scope)) or ref.get("mimeType")
        return [BodyPart(name, await self.context.blobs.open(ref), filename, type_)]

    async def _body(self, spec: RequestSpec, answer: HttpResponse, url: str, scope: Scope) -> Any:
        if spec.response == "file":
            name = _text(evaluate(spec.filename, scope)) or file_name(answer.headers, url)
            mime = _text(evaluate(spec.mime, scope)) or None
            return await self.context.blobs.write(answer.stored or answer.body, mime_type=mime, file_name=name)
        if spec.response == "text":
            return answer.body.decode("utf-8", "replace")
        if not answer.body and self.descriptor.empty_text:
            return ""
        return axios_data(answer.body, content_type(answer.headers)[1])

    def _check(self, response: Response, scope: Scope) -> None:
        inner = replace(scope, of_program=False, strict=False).having(**response.names())
        if rule := self._rule(inner):
            code = vendors_code(response.body, response.status)
            self.shared[ANSWERED] = replace(self.shared[ANSWERED], code=code)
            message, description = _told(rule, inner)
            raise NodeApiError(message, description=description, item=scope.index)

    def _failure(self, status: int, body: Any, scope: Scope) -> NodeApiError:
        raw = f"Request failed with status code {status}"
        if self.descriptor.body_in_errors:
            raw = f"{status} - {json_stringify('' if body is UNDEFINED else body)}"
        failure = status_failure(status, raw, body)
        told = {"message": failure.message, "description": failure.description}
        inner = replace(scope, of_program=False, strict=False).having(response=body, status=status, **told)
        message, description = failure.message, failure.description
        if rule := self._rule(inner):
            message, own = _told(rule, inner)
            description = description if own is None else own
        return NodeApiError(
            message,
            http_code=failure.http_code,
            description=description,
            item=scope.index,
            data={"messages": failure.messages},
        )

    def _rule(self, scope: Scope) -> ErrorRule | None:
        return next((each for each in self.descriptor.errors if holds(each.when, scope)), None)

    async def _http(self, spec: RequestSpec, item: int, signed_for: str | None, outgoing: Outgoing) -> HttpResponse:
        """Send one request. `signed_for`: the address of the first one where the credential's rule signs; None: it does not."""
        return await self.context.http.request(
            outgoing.method,
            outgoing.url,
            headers=outgoing.headers,
            content=outgoing.content,
            timeout=self.options.seconds(),
            follow_redirects=False,
            verify=self.options.verify,
            proxy=self.options.proxy_url(),
            item=item,
            store=_succeeded if spec.response == "file" else None,
            bare=spec.bare
            or (outgoing.bare and signed_for is not None and not self._shows_credential(outgoing, signed_for)),
            wait=self._limits(spec) or True,
        )

    def _shows_credential(self, outgoing: Outgoing, home: str) -> bool:
        """Return whether the values of a request carry the credential, which after a redirect is without its signature alone."""
        return self.credential is not None and shows(outgoing, self.credential.data, home)


def _succeeded(status: int, headers: Sequence[tuple[str, str]]) -> bool:
    """Return whether a long response is a file to store, and not the text of an error."""
    del headers
    return status in _SUCCESS


def _told(rule: ErrorRule, scope: Scope) -> tuple[str, str | None]:
    """Return the message and the description that a rule gives an error."""
    description = evaluate(rule.description, scope)
    told = None if description is None or description is UNDEFINED else _text(description)
    return _text(evaluate(rule.message, scope)), told


def _field(name: str, value: Any, type_: str = "") -> BodyPart:
    part = field_part(name, json_stringify(value) if isinstance(value, bool | list | dict) else value)
    return replace(part, content_type=type_ or None)


def _each(value: Any) -> list[Any]:
    """Return the values of a field of a form: of a list each is a part of its own, as in n8n."""
    return value if isinstance(value, list) else [value]


def _binary(scope: Scope, name: Any) -> Any:
    try:
        return binary_of(scope.item, name, scope.index)
    except NoBinaryError as error:
        raise NodeError(error.message, description=error.description, item=scope.index) from error


def _object(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return "" if value is UNDEFINED or value is None else js_string(value)
