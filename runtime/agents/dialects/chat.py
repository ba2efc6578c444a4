"""Request and answer of a chat model, independent of the vendor's dialect, and how they are sent."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from runtime.agents.dialects.event_frames import FramedStream, FrameReader
from runtime.agents.dialects.event_stream import AnswerStream, EventReader, Hear
from runtime.agents.messages import Message, ToolSpec
from runtime.contract import ActivityContext, HttpResponse, NodeApiError

if TYPE_CHECKING:
    from runtime.http.request import Outgoing

STATUS_MESSAGES: Final = {
    400: "Bad request - please check your parameters",
    401: "Authorization failed - please check your credentials",
    402: "Payment required - perhaps check your payment details?",
    403: "Forbidden - perhaps check your credentials?",
    404: "The resource you are requesting could not be found",
    405: "Method not allowed - please check you are using the right HTTP method",
    429: "The service is receiving too many requests from you",
    500: "The service was not able to process your request",
    502: "Bad gateway - the service failed to handle your request",
    503: (
        "Service unavailable - try again later or consider setting this node to retry automatically "
        "(in the node settings)"
    ),
    504: "Gateway timed out - perhaps try again later?",
}
"""HTTP status -> n8n's message for it."""
OTHER_STATUS: Final = {
    4: "Your request is invalid or could not be processed by the service",
    5: "The service failed to process your request",
}
"""First digit of any other status -> n8n's message."""

BROKEN: Final = ("ECONNRESET", "EPIPE")
"""Codes of connections that broke off, in the middle of an answer too: a later attempt may succeed. A time-out is not among them."""

BROKE_OFF: Final = "The model's answer broke off"
BROKEN_STREAM: Final = 503
"""The status that stands for an error in the middle of a stream, whose own status was 200."""

MAX_WAIT_S: Final = 60.0
"""The longest `Retry-After`, in seconds, that is followed; after it a request is sent in any case."""


@dataclass(frozen=True)
class Request:
    """One request. `schema` is the JSON Schema of the answer (the arguments of the tool `via`, or the answer's text)."""

    messages: Sequence[Message]
    tools: Sequence[ToolSpec] = ()
    schema: Mapping[str, Any] | None = None
    via: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """`temperature`, `max_tokens`: values for options that the node does not set."""
    id: str = ""
    """The same on every attempt; sent as `Idempotency-Key`."""
    hear: Hear | None = None
    """Who listens while the model speaks; None: the answer is wanted whole. A dialect without streams gives it whole."""


@dataclass(frozen=True)
class ModelAnswer:
    """The model's answer, with the tokens it used."""

    message: Message
    model: str
    input_tokens: int = 0
    output_tokens: int = 0


async def post(
    context: ActivityContext,
    url: str,
    body: Mapping[str, Any],
    headers: Mapping[str, str],
    *,
    timeout: float = 60.0,
    key: str = "",
    sign: Callable[["Outgoing"], "Outgoing"] | None = None,
    stream: AnswerStream | None = None,
    hear: Hear | None = None,
) -> dict[str, Any]:
    """POST JSON and return the JSON of the response. `key` is the same on every attempt; `timeout` is in seconds; `sign` signs the
    request as it goes out. With `hear` the response is a `stream`, which is put together again.

    Raise NodeApiError with n8n's message for the status; `retryable` in its data says that a later attempt may succeed.
    """
    from runtime.http.request import Outgoing  # noqa: PLC0415 - requests are for activities

    content = orjson.dumps(body)
    outgoing = Outgoing(
        "POST",
        url,
        [
            ("Content-Type", "application/json"),
            ("Accept", "application/json"),
            *headers.items(),
            *([("Idempotency-Key", hashlib.sha256(key.encode()).hexdigest()[:32])] if key else []),
        ],
        content,
    )
    outgoing = outgoing if sign is None else sign(outgoing)
    listener = _Listener(stream, hear) if stream is not None and hear is not None else None
    try:
        if listener is not None:
            return listener.answer(
                await context.http.stream(
                    url, headers=outgoing.headers, content=content, timeout=timeout, hear=listener.take
                )
            )
        response = await context.http.request(
            "POST",
            url,
            headers=outgoing.headers,
            content=outgoing.content,
            timeout=timeout,
            wait=False,  # the agent waits: its reducer knows how long it may
        )
    except NodeApiError as error:
        if error.http_code in BROKEN:
            error.data["retryable"] = True
        raise
    return answer(response)


class _Listener:
    """Puts a stream together while its text is heard."""

    def __init__(self, stream: AnswerStream, hear: Hear) -> None:
        framed = isinstance(stream, FramedStream)
        self._reader = FrameReader() if framed else EventReader(json_lines=stream.json_lines)
        self._stream, self._hear = stream, hear
        self._bytes, self._events = 0, 0
        self._error: Any = None

    def take(self, data: bytes) -> None:
        """Take bytes of the body as they come."""
        self._bytes += len(data)
        try:
            self._add(self._reader.feed(data))
        except ValueError as error:  # frames that are damaged
            raise NodeApiError(BROKE_OFF, http_code=BROKEN[0], data={"retryable": True}) from error

    def answer(self, response: HttpResponse) -> dict[str, Any]:
        """Return the whole answer. Raise NodeApiError: a refusal, or a stream that broke off, which may be asked for again."""
        if response.status >= 400:
            return answer(response)
        self.take(response.body[self._bytes :])
        self._add(self._reader.end())
        if self._error is not None:
            raise refusal(BROKEN_STREAM, _error_message(orjson.dumps({"error": self._error})))
        if not self._events:
            return answer(response)  # a page, or an answer that came whole
        if (whole := self._stream.whole()) is None:
            raise NodeApiError(BROKE_OFF, http_code=BROKEN[0], data={"retryable": True})
        return whole

    def _add(self, events: Iterator[dict[str, Any]]) -> None:
        for event in events:
            self._events += 1
            self._error = event.get("error") or self._error
            try:
                text = self._stream.add(event)
            except (AttributeError, IndexError, KeyError, TypeError) as error:
                raise NodeApiError("The model's service sent a stream that is not of its API") from error
            if text:
                self._hear(text)


def answer(response: HttpResponse) -> dict[str, Any]:
    """Return the JSON of a response with a status below 400. Raise NodeApiError for the others."""
    if response.status >= 400:
        raise refusal(response.status, _error_message(response.body), response.header("retry-after"))
    try:
        value = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise NodeApiError("The model's service did not answer with JSON", http_code=str(response.status))
    return value


def refusal(status: int, description: str | None, retry_after: str | None = None) -> NodeApiError:
    """Return n8n's error for a status of 4xx or 5xx. 429 and 5xx are retryable, the others are not.

    `description` is the vendor's message; `retry_after` the header's value, in seconds.
    """
    data: dict[str, Any] = {}
    if status == 429 or status >= 500:
        data["retryable"] = True
        if retry_after is not None and retry_after.replace(".", "", 1).isdigit():
            data["retryAfter"] = min(float(retry_after), MAX_WAIT_S)
    return NodeApiError(
        STATUS_MESSAGES.get(status) or OTHER_STATUS.get(status // 100) or description or f"HTTP {status}",
        description=description,
        http_code=str(status),
        data=data,
    )


def _error_message(body: bytes) -> str | None:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode("utf-8", "replace")[:500] or None
    error = value.get("error", value) if isinstance(value, dict) else value
    message = error.get("message") if isinstance(error, dict) else error
    return str(message) if message else None


def sampling(options: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the options that a node sets, under the provider's names (`names`: n8n's name -> the provider's)."""
    return {wire: options[name] for name, wire in names.items() if options.get(name) is not None}
