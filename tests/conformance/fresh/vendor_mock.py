"""The mock of fresh vendor calls: it answers n8n's requests as recorded calls were answered, and writes both down."""

import copy
import random
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from tests.conformance.fresh.vendor_calls import Call, Recorded
from tests.conformance.fresh.web import ERRORS, RequestHandler

__all__ = ["CASE_PATH", "Mock", "serve_vendors"]

Json = dict[str, Any]
CASE_PATH: Final = "/fresh-case/"
"""A request to it says which case begins."""
LIMIT: Final = 5
"""Answers of one case that are as recorded; in later ones there is no further page: n8n would ask without end."""
NO_MORE: Final = {"has_more": False, "hasMore": False, "isLast": True, "isLastPage": True}
FURTHER: Final = re.compile(r"cursor|next|offset|page_?token|paging", re.IGNORECASE)
STATUSES: Final = (400, 401, 403, 404, 404, 409, 422, 429, 429, 500, 500, 502, 503)
HTML: Final = {"text": "<html><body><h1>Hello</h1></body></html>", "headers": {"content-type": "text/html"}}
BODIES: Final[tuple[Json, ...]] = (
    {"json": None}, {"json": {}}, {"json": []}, {"text": ""}, HTML, {"json": 5}, {"json": "text"}, {"json": [{"id": "1"}, None]},
    {"status": 204, "text": ""}, {"json": {"ok": False, "error": "some_error"}}, {"json": {"error": {"message": "no", "code": 3}}},
    {"text": "plain", "headers": {"content-type": "text/plain"}},
)  # fmt: skip
"""Answers of success that hold something else."""
ANYWHERE: Final = ("example.com", "files.example.com")
"""Hosts of files, which calls of every vendor may name."""
TOKENS: Final = re.compile(r"/(token|access_token|oauth\.v2\.access)$")


class Mock:
    """What was asked and answered, by the number of the case."""

    def __init__(self, cases: Sequence[Json]) -> None:
        """Answer the calls of these cases, which carry their type, model and changes."""
        self._cases = cases
        self._current = 0
        self._known: dict[str, Recorded] = {each["type"]: Recorded(each["type"]) for each in cases}
        self.requests: dict[int, list[Json]] = {}
        self.answers: dict[int, list[Json]] = {}
        self._lock = threading.Lock()

    def answer(self, request: Json, content: bytes | None) -> Json:
        """Return the answer to a request, in the shape of `responses`, and keep both."""
        url = urlsplit(request["url"])
        if url.path.startswith(CASE_PATH):
            self._current = int(url.path.removeprefix(CASE_PATH))
            self.requests[self._current], self.answers[self._current] = [], []
            return {"json": {"ok": True}}
        with self._lock:
            case = self._cases[self._current]
            if self._leaks(url.netloc, case["type"]):
                return {"status": 500, "json": {"message": "this case is over"}}
            requests, answers = self.requests[self._current], self.answers[self._current]
            made = _token(request, content) or self._made(case, request, requests)
            requests.append(request)
            answers.append(made)
            return made

    def _leaks(self, host: str, type_: str) -> bool:
        """Whether a request is of a case before: one that n8n gave up goes on, and shows itself by the host of another vendor."""
        own = {_domain(each) for each in self._known[type_].hosts}
        return (
            host not in ANYWHERE
            and _domain(host) not in own
            and any(host in each.hosts for each in self._known.values())
        )

    def _made(self, case: Json, request: Json, before: Sequence[Json]) -> Json:
        recorded = self._known[case["type"]]
        ordinal = sum(each["method"] == request["method"] and each["url"] == request["url"] for each in before)
        call = _closest(recorded.calls, request, ordinal, case["model"])
        made: Json = copy.deepcopy(dict(call.answer)) if call else {"json": {}}
        if len(before) >= LIMIT:
            return {**made, "json": _last(made["json"])} if "json" in made else made
        for change in case["changes"]:
            if change["request"] == len(before):
                made = _changed(made, change["how"], random.Random(change["seed"]))  # noqa: S311 - to be drawn again
        return made


def _domain(host: str) -> str:
    """Return the last two labels: a vendor has several hosts."""
    return ".".join(host.rsplit(".", 2)[-2:])


def _last(value: Any) -> Any:
    """Return an answer after which there is no page."""
    if isinstance(value, list):
        return [_last(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: NO_MORE.get(name, _last(each)) for name, each in value.items() if not FURTHER.search(name)}


def _token(request: Json, content: bytes | None) -> Json | None:
    """Return the answer of a token endpoint: the token that the credential has already."""
    if request["method"] != "POST" or not (
        TOKENS.search(urlsplit(request["url"]).path) or b"grant_type=" in (content or b"")
    ):
        return None
    given = dict(parse_qsl((content or b"").decode("utf-8", "replace")))
    token = given.get("refresh_token", "REFRESH_service").replace("REFRESH_", "TOKEN_")
    return {
        "json": {"access_token": token, "token_type": "Bearer", "expires_in": 31536000}
        | ({"refresh_token": given["refresh_token"]} if "refresh_token" in given else {})
    }


def _closest(calls: Sequence[Call], request: Json, ordinal: int, model: str) -> Call | None:
    """Return the recorded call that is most like a request."""
    return max(calls, key=lambda call: _likeness(call, request, ordinal, model), default=None)


def _likeness(call: Call, request: Json, ordinal: int, model: str) -> tuple[bool, float]:
    ours, theirs = urlsplit(request["url"]), urlsplit(call.url)
    parts, other = ours.path.split("/"), theirs.path.split("/")
    same = sum(a == b for a, b in zip(parts, other, strict=False)) / max(len(parts), len(other))
    score = 2.0 * same + (len(parts) == len(other)) + (parts[-1] == other[-1]) + 0.5 * (ours.netloc == theirs.netloc)
    return call.method == request["method"], score + 0.7 * (call.case == model) + 0.3 * (call.ordinal == ordinal)


def _changed(answer: Json, how: str, draw: random.Random) -> Json:
    """Return an answer in another form; one without JSON becomes another altogether."""
    if how == "failure":
        vendor = {"json": {"message": "it failed", "code": 7, "errors": [{"message": "first"}], "error": "why"}}
        return {"status": draw.choice(STATUSES), **draw.choice((*ERRORS.values(), vendor))}
    if how == "odd" or not isinstance(answer.get("json"), (dict, list)):
        return copy.deepcopy(draw.choice(BODIES))
    places = list(_places(answer["json"]))
    if not places:
        return {"json": {}}
    holder, key = draw.choice(places[: max(1, len(places) // 2)] if draw.random() < 0.7 else places)
    if how == "without":
        del holder[key]
    elif how == "more":
        lists = [(each, name) for each, name in places if isinstance(each[name], list)]
        if lists:
            holder, key = draw.choice(lists)
            holder[key] = [*holder[key], *copy.deepcopy(holder[key]), *draw.choice(([], [{}], [None], ["x"]))]
        else:
            holder[key] = [holder[key], "x"]
    else:
        holder[key] = None if how == "null" else draw.choice(([], {}, "", 0))
    return answer


def _places(value: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    """Yield holder and key of every member of an answer, those of the surface first."""
    if depth > 4 or not isinstance(value, (dict, list)):
        return
    keys: list[Any] = list(value) if isinstance(value, Mapping) else list(range(len(value)))
    yield from ((value, key) for key in keys)
    for key in keys:
        yield from _places(value[key], depth + 1)


@contextmanager
def serve_vendors(cases: Sequence[Json]) -> Iterator[tuple[Mock, int]]:
    """Serve the mock on a free port; yield it and the port."""
    mock = Mock(cases)

    class Handler(RequestHandler):
        def answer(self, request: Json, url: str, content: bytes | None) -> Json:
            del url
            return mock.answer(request, content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield mock, server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
