"""Fresh workflows around HTTP Request: credentials, paging, files, redirects, errors and batches, drawn from a seed."""

import random
from collections.abc import Callable
from typing import Any, Final

from tests.conformance.fresh.http_oddities import FLAGS, be_odd, odd_path
from tests.conformance.fresh.web import BASE, BODIES, ERRORS

__all__ = ["draw_cases", "import_file"]

Case = dict[str, Any]
Json = dict[str, Any]

CREDENTIALS: Final[dict[str, Json]] = {
    "httpBasicAuth": {"user": "ann", "password": "p:w é"}, "httpHeaderAuth": {"name": "X-Key", "value": "KEY_h"},
    "httpQueryAuth": {"name": "api_key", "value": "KEY q&"}, "httpBearerAuth": {"token": "TOKEN_b"},
    "httpCustomAuth": {"json": '{"headers": {"X-A": "1"}, "qs": {"k": "2"}, "body": {"z": 3}}'},
    "httpDigestAuth": {"user": "ann", "password": "pw"},
    "slackApi": {"accessToken": "TOKEN_slack"}, "notionApi": {"apiKey": "KEY_n"}, "openAiApi": {"apiKey": "KEY_o", "url": f"{BASE}/v1"},
    "airtableTokenApi": {"accessToken": "TOKEN_a"}, "anthropicApi": {"apiKey": "KEY_c"}, "stripeApi": {"secretKey": "KEY_s"},
    "githubApi": {"server": BASE, "user": "u", "accessToken": "TOKEN_g"}, "sendGridApi": {"apiKey": "KEY_sg"},
    "trelloApi": {"apiKey": "KEY_t", "apiToken": "TOKEN_t"}, "pipedriveApi": {"apiToken": "TOKEN_p"},
}  # fmt: skip
"""Type -> data. Custom types last but httpDigestAuth ask their own way."""
GENERIC: Final = tuple(each for each in CREDENTIALS if each.startswith("http"))
HOSTS: Final[Json] = {"allowedHttpRequestDomains": "all"}
INPUTS: Final[tuple[tuple[Json, ...], ...]] = (
    ({"id": 1, "t": "a b"},), ({"id": 1, "t": "x"}, {"id": 2, "t": "é&="}, {"id": 3, "t": None}), ({"id": "q", "o": {"k": [1, 2]}},),
    ({"id": 7, "t": ""}, {"id": 8, "t": "y", "o": {}}),
)  # fmt: skip
STATUSES: Final = (
    400,
    401,
    403,
    404,
    409,
    422,
    429,
    500,
    502,
    503,
    300,
    201,
    418,
    402,
    405,
    410,
    504,
    451,
    204,
    304,
    599,
)
VALUES: Final[tuple[Any, ...]] = (
    "v", "", "={{ $json.id }}", "={{ $json.t }}", "={{ $json.o }}", "={{ undefined }}", "={{ [1, 2] }}", "={{ true }}", 5, "a b&c", "é",
    "={{ null }}", "={{ ({a: {b: 1}}) }}", "=x{{ $itemIndex }}",
)  # fmt: skip
NAMES: Final = ("a", "b", "a", "x y", "a.b", "a[b]", "q", "X-One", "id")
JSON_BODIES: Final = (
    '{"a": 1, "b": [true, null]}', '={ "id": "{{ $json.id }}", "t": "{{ $json.t }}" }', "={{ $json }}", "={{ JSON.stringify($json) }}", "[1, 2]",
    '"text"', "{bad", "", "={{ ({ n: $itemIndex }) }}", "={{ [] }}", "={{ undefined }}", "5", "null",
)  # fmt: skip
RAW: Final = (
    ("text/plain", "raw {{ 1 }}"),
    ("application/xml", "=<a>{{ $json.id }}</a>"),
    ("application/json", '{"r": 1}'),
    ("", "body"),
    ("text/html; charset=utf-8", "é"),
)


_ODD: Final = 0.3


class Request:
    """Draws one HTTP Request node."""

    def __init__(self, draw: random.Random, base: str) -> None:
        self.random = draw
        self.base = base
        self.version = draw.choice((1, 2, 3, 4, 4.1, 4.2, 4.2, 4.2, 4.3, 4.4, 4.5))
        self.credentials: dict[str, Json] = {}
        self.options: Json = {}
        self.parameters: Json = {"url": "", "options": self.options}

    def node(self) -> Json:
        """Return the node."""
        self.parameters["url"] = self._url()
        if self.version < 3:
            self._old()
        else:
            for part, chance in (
                (self._method, 0.5),
                (self._auth, 0.4),
                (self._query, 0.3),
                (self._headers, 0.3),
                (self._body, 0.4),
            ):
                if self.random.random() < chance:
                    part()
        for _ in range(self.random.choice((0, 1, 1, 2))):
            self.random.choice(self._all_options())()
        if self.random.random() < _ODD:
            be_odd(self.random, self.version, self.base, self.parameters, self.options)
        if self.credentials and "to=other" in str(
            self.parameters["url"]
        ):  # a credential does not go on here: a difference on purpose
            self.parameters["url"] = f"{self.base}/echo"
        node = {
            "id": "h", "name": "H", "type": "n8n-nodes-base.httpRequest", "typeVersion": self.version, "position": [400, 0],
            "parameters": self.parameters, **self.random.choice(({}, {}, *FLAGS)),
        }  # fmt: skip
        if self.credentials:
            node["credentials"] = {type_: {"id": type_, "name": type_} for type_ in self.credentials}
        return node

    def _url(self) -> str:
        kind = self.random.random()
        if kind < 0.35:
            path = f"body/{self.random.choice(tuple(BODIES))}"
        elif kind < 0.6:
            path = f"status/{self.random.choice(STATUSES)}/{self.random.choice(tuple(ERRORS))}"
        elif kind < 0.7:
            path = f"redirect/{self.random.choice((301, 302, 303, 307, 308))}/echo?steps={self.random.choice((1, 1, 2, 22))}"
        elif kind < 0.72:
            return self.random.choice(
                (
                    "no url",
                    "",
                    "=",
                    "={{ $json.nope }}",
                    "http://127.0.0.1:9/closed",
                    "ftp://x/y",
                    "http://",
                    "=={{ 1 }}",
                )
            )
        elif kind < 0.82:
            path = odd_path(self.random)
        else:
            path = self.random.choice(
                (
                    "echo",
                    "echo?x=1",
                    "echo/a b",
                    "echo/{{ $json.id }}?t={{ $json.t }}",
                    "body/list",
                    "echo?a=1&a=2#f",
                    "echo/é",
                )
            )
        return f"={self.base}/{path}" if "{{" in path else f"{self.base}/{path}"

    def _old(self) -> None:
        """Versions 1 and 2, which name their parameters otherwise."""
        if self.random.random() < 0.5:
            self.parameters["requestMethod"] = self.random.choice(("POST", "PUT", "PATCH", "DELETE", "HEAD"))
        if self.random.random() < 0.3:
            self.parameters["responseFormat"] = self.random.choice(("file", "string", "json"))
        if self.random.random() < 0.4:
            self.parameters["queryParametersUi"] = {"parameter": self._pairs()}
        if self.random.random() < 0.4:
            self.parameters["headerParametersUi"] = {
                "parameter": [{"name": "X-One", "value": self.random.choice(VALUES)}]
            }
        if self.random.random() < 0.4:
            self.parameters |= self.random.choice((
                {"bodyParametersUi": {"parameter": self._pairs()}}, {"jsonParameters": True, "bodyParametersJson": self.random.choice(JSON_BODIES)},
                {"jsonParameters": True, "queryParametersJson": '{"j": [1, 2]}'},
                {"jsonParameters": True, "headerParametersJson": '={"X-J": "{{ $json.id }}"}'},
            ))  # fmt: skip
        if self.random.random() < 0.3 and self.version == 2:
            self._auth()

    def _method(self) -> None:
        self.parameters["method"] = self.random.choice(("POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))

    def _auth(self) -> None:
        if self.random.random() < 0.6:
            type_ = self.random.choice([each for each in GENERIC if each != "httpDigestAuth"])
            self.parameters |= {"authentication": "genericCredentialType", "genericAuthType": type_}
        else:
            type_ = self.random.choice([each for each in CREDENTIALS if each not in GENERIC])
            self.parameters |= {"authentication": "predefinedCredentialType", "nodeCredentialType": type_}
        if self.random.random() < 0.95:
            self.credentials = {type_: CREDENTIALS[type_] | HOSTS}

    def _pairs(self) -> list[Json]:
        return [
            {"name": self.random.choice(NAMES), "value": self.random.choice(VALUES)}
            for _ in range(self.random.randint(1, 3))
        ]

    def _query(self) -> None:
        self.parameters["sendQuery"] = True
        if self.random.random() < 0.7:
            self.parameters["queryParameters"] = {"parameters": self._pairs()}
            if self.random.random() < 0.4:
                self.options["queryParameterArrays"] = self.random.choice(("brackets", "indices", "repeat"))
        else:
            self.parameters |= {"specifyQuery": "json", "jsonQuery": self.random.choice(JSON_BODIES)}

    def _headers(self) -> None:
        self.parameters["sendHeaders"] = True
        if self.random.random() < 0.7:
            pairs = [
                {
                    "name": self.random.choice(("X-One", "x-one", "Accept", "Content-Type", "x y")),
                    "value": self.random.choice(VALUES),
                }
            ]
            self.parameters["headerParameters"] = {"parameters": pairs}
        else:
            self.parameters |= {"specifyHeaders": "json", "jsonHeaders": self.random.choice(JSON_BODIES)}

    def _body(self) -> None:
        self.parameters |= {"sendBody": True, "method": self.random.choice(("POST", "PUT", "PATCH", "DELETE"))}
        kind = self.random.choice(("json", "json", "jsonText", "form", "multipart", "raw", "file", "formText"))
        if kind == "json":
            self.parameters["bodyParameters"] = {"parameters": self._pairs()}
        elif kind == "jsonText":
            self.parameters |= {"specifyBody": "json", "jsonBody": self.random.choice(JSON_BODIES)}
        elif kind == "form":
            self.parameters |= {"contentType": "form-urlencoded", "bodyParameters": {"parameters": self._pairs()}}
        elif kind == "formText":
            self.parameters |= {
                "contentType": "form-urlencoded",
                "specifyBody": "string",
                "body": self.random.choice(("a=1&b=2", "=id={{ $json.id }}", "x")),
            }
        elif kind == "multipart":
            parts = [{"parameterType": "formData", **each} for each in self._pairs()]
            if self.random.random() < 0.5:
                parts.append(
                    {
                        "parameterType": "formBinaryData",
                        "name": "f",
                        "inputDataFieldName": self.random.choice(("data", "data", "nope")),
                    }
                )
            self.parameters |= {"contentType": "multipart-form-data", "bodyParameters": {"parameters": parts}}
        elif kind == "raw":
            media, text = self.random.choice(RAW)
            self.parameters |= {"contentType": "raw", "rawContentType": media, "body": text}
        else:
            self.parameters |= {
                "contentType": "binaryData",
                "inputDataFieldName": self.random.choice(("data", "data", "nope")),
            }

    def _all_options(self) -> tuple[Callable[[], None], ...]:
        if self.version < 3:
            return (self._old_option,)
        return (
            self._response,
            self._response,
            self._redirect,
            self._batching,
            self._paging,
            self._paging,
            self._lowercase,
        )

    def _old_option(self) -> None:
        self.options |= self.random.choice((
            {"fullResponse": True}, {"ignoreResponseCode": True}, {"followAllRedirects": True}, {"followRedirect": False}, {"splitIntoItems": True},
            {"bodyContentType": "form-urlencoded"}, {"bodyContentType": "multipart-form-data"}, {"bodyContentType": "raw"},
            {"batchSize": 1, "batchInterval": 1},
            {"queryParameterArrays": "repeat"}, {"bodyContentType": "json"},
        ))  # fmt: skip

    def _response(self) -> None:
        response: Json = {}
        if self.random.random() < 0.5:
            response["fullResponse"] = True
        if self.random.random() < 0.5:
            response["neverError"] = True
        if self.random.random() < 0.6:
            response["responseFormat"] = self.random.choice(("json", "text", "file", "autodetect"))
            if self.random.random() < 0.3 and response["responseFormat"] in ("text", "file"):
                response["outputPropertyName"] = self.random.choice(("out", "a.b", "={{ $json.id }}"))
        self.options["response"] = {"response": response}

    def _redirect(self) -> None:
        redirect = self.random.choice(
            ({"followRedirects": False}, {"maxRedirects": 1}, {}, {"followRedirects": True, "maxRedirects": 3})
        )
        self.options["redirect"] = {"redirect": redirect}

    def _batching(self) -> None:
        self.options["batching"] = {
            "batch": {"batchSize": self.random.choice((1, 2, -1, 0)), "batchInterval": self.random.choice((0, 1))}
        }

    def _lowercase(self) -> None:
        self.options["lowercaseHeaders"] = False

    def _paging(self) -> None:
        fail = self.random.choice(("", "", "", "?fail=2"))
        self.parameters["url"] = (
            f"{self.base}/{self.random.choice(('pages', 'pages', 'pages', 'body/list', 'body/text', 'body/nothing'))}{fail}"
        )
        if self.random.random() < 0.4:
            paging: Json = {
                "paginationMode": "responseContainsNextURL",
                "nextURL": self.random.choice(
                    (
                        "={{ $response.body.next }}",
                        "={{ $response.body.next }}",
                        "={{ $response.headers.link.split('<')[1].split('>')[0] }}",
                        "={{ undefined }}",
                    )
                ),
            }
        else:
            entry = {
                "name": "page",
                "value": self.random.choice(
                    ("={{ $pageCount + 1 }}", "={{ $response.body.page + 1 }}", "={{ $pageCount }}")
                ),
            }
            type_ = self.random.choice(({"type": "qs"}, {"type": "qs"}, {}, {"type": "headers"}, {"type": "body"}))
            paging = {"parameters": {"parameters": [{**type_, **entry}]}}
        paging |= self.random.choice((
            {}, {"paginationCompleteWhen": "receiveSpecificStatusCodes", "statusCodesWhenComplete": "500,404"},
            {"paginationCompleteWhen": "other", "completeExpression": "={{ $response.body.done }}"},
            {"paginationCompleteWhen": "other", "completeExpression": "={{ $response.body.items.length === 0 }}"},
            {"paginationCompleteWhen": "other", "completeExpression": "={{ $response.statusCode === 500 }}"},
        ))  # fmt: skip
        if self.random.random() < 0.9:  # without a limit n8n may never end
            paging |= {"limitPagesFetched": True, "maxRequests": self.random.choice((1, 2, 3, 5))}
        self.options["pagination"] = {"pagination": paging | self.random.choice(({}, {"requestInterval": 0}))}


def import_file() -> list[Json]:
    """Return the credentials as `n8n import:credentials` takes them."""
    return [{"id": type_, "name": type_, "type": type_, "data": data | HOSTS} for type_, data in CREDENTIALS.items()]


def draw_cases(seed: int, count: int) -> list[Case]:
    """Return `count` workflows, as cases without what n8n gives."""
    draw = random.Random(seed)  # noqa: S311 - the point is to draw it again
    cases = []
    for i in range(count):
        request = Request(draw, f"{BASE}/c{i}")
        node = request.node()
        binary = {
            "data": {
                "data": "YSBmaWxl",
                "mimeType": "text/plain",
                "fileName": "a file.txt",
                "fileExtension": "txt",
                "fileSize": "6 B",
            }
        }
        items = [{"json": each, **({"binary": binary} if draw.random() < 0.7 else {})} for each in draw.choice(INPUTS)]
        after = [
            {
                "id": "a",
                "name": "After",
                "type": "n8n-nodes-base.noOp",
                "typeVersion": 1,
                "position": [600, 0],
                "parameters": {},
            }
        ]
        start = {
            "id": "s",
            "name": "Start",
            "type": "n8n-nodes-base.manualTrigger",
            "typeVersion": 1,
            "position": [0, 0],
            "parameters": {},
        }
        cases.append({
            "name": f"http-{seed}-{i}", "group": "F", "about": "a fresh request", "volatile": [], "start": "Start", "mode": "trigger",
            "workflow": {"nodes": [start, node, *after], "settings": {"executionOrder": "v1", "timezone": "UTC"}, "connections": {
                "Start": {"main": [[{"node": "H", "type": "main", "index": 0}]]}, "H": {"main": [[{"node": "After", "type": "main", "index": 0}]]}}},
            "input": items, "credentials": request.credentials,
        })  # fmt: skip
    return cases
