"""A stand-in for the vendors of sub-nodes: canned answers by path, and vectors that are computed from the text.

A vendor whose address is fixed is reached under its host: `GET serpapi.com/search`. Everything else is by path alone.
"""

import base64
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runtime.platform.embedded.fake_vendor import MODEL_PATHS, RecordedRequest, StandIn

LETTERS = ("ae", "io", "un", "rst", "lmk", "bcd", "fgh", "pvw")


@dataclass
class Vendors(StandIn):
    """`canned`: 'METHOD path' -> the body of every answer, or `{'$sequence': [bodies]}`, of which the last repeats. A body
    `{'$status': 404, '$body': ...}` has another status than 200; `{'$rpc': {method: result}}` speaks JSON-RPC.
    """

    canned: Mapping[str, Any] = field(default_factory=dict)

    def answer(self, request: RecordedRequest) -> tuple[int, Any]:
        """Return the canned answer, else vectors for a request of embeddings, else what any stand-in answers."""
        place = placed(request)
        body = self.canned.get(f"{request.method} {place.partition('?')[0]}")
        if body is None:
            body = embedded(place.partition("?")[0], request.body)
        if body is None:
            return super().answer(request)
        self.requests.append(request)
        if isinstance(body, dict) and "$sequence" in body:
            earlier = sum(placed(each).partition("?")[0] == place.partition("?")[0] for each in self.requests) - 1
            body = body["$sequence"][min(earlier, len(body["$sequence"]) - 1)]
        if isinstance(body, dict) and "$rpc" in body:
            if "id" not in (request.body if isinstance(request.body, dict) else {}):
                return 202, {}
            result = body["$rpc"].get(request.body["method"])
            if isinstance(result, dict) and "$error" in result:
                return 200, {"jsonrpc": "2.0", "id": request.body["id"], "error": result["$error"]}
            return 200, {"jsonrpc": "2.0", "id": request.body["id"], "result": result}
        if isinstance(body, dict) and "$status" in body:
            return body["$status"], body["$body"]
        return 200, body


def placed(request: RecordedRequest) -> str:
    """Return the path of a request with its query, after the host unless that is the loopback."""
    host = request.headers.get("host", "")
    return request.path if host.startswith(("127.0.0.1", "localhost")) else host.partition(":")[0] + request.path


def wire(requests: list[RecordedRequest]) -> list[dict[str, Any]]:
    """Return what went to vendors other than chat models, as it is compared with n8n."""
    sent = [each for each in requests if not each.path.endswith(MODEL_PATHS)]
    return [{"method": each.method, "place": _ordered(placed(each)), "body": each.body} for each in sent]


def _ordered(place: str) -> str:
    """Return a path with the parameters of its query in the order of their names."""
    path, mark, query = place.partition("?")
    return path + mark + "&".join(sorted(query.replace("%2A", "*").split("&")))


def vector(text: str) -> list[float]:
    """Return a vector of eight numbers: how often groups of letters occur."""
    counts = [sum(text.lower().count(letter) for letter in group) for group in LETTERS]
    length = sum(each * each for each in counts) ** 0.5 or 1.0
    return [round(each / length, 4) for each in counts]


def embedded(path: str, body: Any) -> Any:
    """Return the answer to a request of embeddings in its vendor's form; None: it is none."""
    if not isinstance(body, dict):
        return None
    if path.endswith("/embeddings"):
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        as_text = body.get("encoding_format") == "base64"
        data = [{"object": "embedding", "index": n, "embedding": _packed(vector(each)) if as_text else vector(each)}
                for n, each in enumerate(texts)]  # fmt: skip
        usage = {"prompt_tokens": 1, "completion_tokens": 0, "total_tokens": 1}
        return {"id": "e", "object": "list", "data": data, "model": body["model"], "usage": usage}
    if path.endswith(":batchEmbedContents"):
        return {"embeddings": [{"values": vector(_gemini_text(each))} for each in body["requests"]]}
    if path.endswith(":embedContent"):
        return {"embedding": {"values": vector(_gemini_text(body))}}
    if path.endswith("/api/embed"):
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        return {"model": body["model"], "embeddings": [vector(each) for each in texts]}
    if path.endswith("/embed"):
        vectors = [vector(each) for each in body["texts"]]
        typed = {"response_type": "embeddings_by_type", "embeddings": {"float": vectors}}
        return {"id": "e", "texts": body["texts"], **(typed if "embedding_types" in body else {"embeddings": vectors})}
    return None


def _packed(values: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


def _gemini_text(request: Mapping[str, Any]) -> str:
    return "".join(part.get("text", "") for part in request["content"]["parts"])


def script_of(case: Mapping[str, Any]) -> Vendors:
    """Return the stand-in of a recorded case. The last answer of the model repeats, as it did for n8n."""
    answers = case.get("answers") or [{"content": "ok"}]
    return Vendors(script=[*answers, *answers[-1:] * 12], canned=case.get("canned") or {})
