"""What a hostile caller or author sends: requests that are long where a reader might be slow, and texts that are long where a parser might be.

Each piece was, or is like one that was, super-linear somewhere: nothing here is large, all of it is awkward.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["LENGTH", "TEXTS", "HostileRequest", "expression_of", "requests", "text_of"]

SIZE: Final = 250_000
"""Bytes of a body, which the application takes."""
HEAD: Final = 60_000
"""Bytes of a target or a header, which the server takes."""
LENGTH: Final = 40_000
"""Characters of a text."""

MULTIPART: Final = "multipart/form-data; boundary=x"
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
PART: Final = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
LARGE: Final = {
    "nested lists": (JSON, b"[" * SIZE), "nested objects": (JSON, b'{"a":' * (SIZE // 5)),
    "a long number": (JSON, b'{"a":' + b"9" * SIZE + b"}"), "a long fraction": (JSON, b"0." + b"1" * SIZE),
    "many keys": (JSON, b"{" + b",".join(b'"%d":1' % n for n in range(SIZE // 10)) + b"}"),
    "escapes": (JSON, b'"' + b"\\u0000" * (SIZE // 6) + b'"'), "a form": (FORM, b"a=1&" * (SIZE // 4)),
    "one name": (FORM, b"&".join([b"a=1"] * 999)), "brackets": (FORM, b"a" + b"[a]" * (SIZE // 3) + b"=1"),
    "escapes in a form": (FORM, b"a=" + b"%ff" * (SIZE // 3)), "parts": (MULTIPART, PART * (SIZE // len(PART))),
    "boundaries": (MULTIPART, b"--x\r\n" * (SIZE // 5)), "hyphens": (MULTIPART, b"-" * SIZE),
    "headers of a part": (MULTIPART, b"--x\r\n" + b"a: b\r\n" * (SIZE // 6)), "a part's header": (MULTIPART, b"--x\r\na: " + b";" * SIZE),
    "XML": ("application/xml", b"<a>" * (SIZE // 3)), "brothers": ("application/xml", b"<a>" + b"<b/>" * (SIZE // 4) + b"</a>"),
    "attributes": ("application/xml", b"<a " + b" ".join(b'a%d=""' % n for n in range(SIZE // 10)) + b"/>"),
    "a DOCTYPE": ("application/xml", b"<!DOCTYPE " + b'"' * SIZE), "plain text": ("text/plain", b"\xff" * SIZE),
    "punycode": ("text/plain; charset=punycode", b"-" + b"99" * (SIZE // 2)), "UTF-7": ("text/plain; charset=utf-7", b"+A" * (SIZE // 2)),
    "escaped Unicode": ("text/plain; charset=unicode_escape", b"\\ud83d" * (SIZE // 6)),
}  # fmt: skip
HEADERS: Final = {
    "content-type": (f"multipart/form-data; {'a=b;' * (HEAD // 4)}", f"text/plain; charset={'a' * HEAD}", ";" * HEAD),
    "content-disposition": (f"attachment; {'a=b;' * (HEAD // 4)}", f"attachment; filename*0={'a' * HEAD}", f"a; filename*=''{'%ff' * (HEAD // 3)}",
                            "; ".join(f"filename*{n}*=a" for n in range(HEAD // 15))),
    "user-agent": ("bot" * (HEAD // 3), "a" * HEAD), "authorization": ("Basic " + "a" * HEAD, "Bearer " + "." * HEAD, "Bearer a.b." + "a" * HEAD),
    "cookie": ("a=b;" * (HEAD // 4),), "accept": ("a/b," * (HEAD // 4),), "origin": ("a" * HEAD,), "idempotency-key": ("k" * HEAD,),
    "access-control-request-headers": ("a," * (HEAD // 2),), "last-event-id": ("9" * 4_000,), "host": ("a" * HEAD,),
}  # fmt: skip
QUERIES: Final = ("a" + "[a]" * (HEAD // 3) + "=1", "a[]=1&" * (HEAD // 6), "a" + "[" * HEAD, "&" * HEAD, "a=" + "%ff" * (HEAD // 3), "=" * HEAD,
    "&".join(f"a[{n}]=1" for n in range(HEAD // 10)), "a.b" * (HEAD // 3) + "=1")  # fmt: skip
COMPRESSED: Final = ("nested lists", "a form", "plain text")
EXPRESSIONS: Final = {
    "braces": "=" + "{{" * 30_000, "backslashes": "={{ '" + "\\" * 50_000 + "' }}", "a chain": "={{ $json" + "?.a.first()" * 400 + " }}",
    "parentheses": "={{ " + "(" * 30_000 + " }}", "templates": "={{ " + "`${" * 10_000 + " }}",
}  # fmt: skip
"""What an export has where an expression may stand."""

TEXTS: Final[Mapping[str, tuple[str, str, str]]] = {
    "quotes": ("<!DOCTYPE ", '"', ""), "digits": ("", "1", "x"), "zeros": ("", "0", "x"), "spaces": ("", " ", "x"), "line breaks": ("", "\n", "x"),
    "braces": ("", "{{", ""), "backslashes": ("", "\\", ""), "brackets": ("", "[", ""), "parentheses": ("", "(", ""), "tags": ("", "<a>", ""),
    "open tags": ("", "<", ""), "commas": ("", "a,b\n", ""), "escapes": ("", "%ff", ""), "dots": ("", "a.", ""), "wildcards": ("", "%a", "b"),
    "a pattern": ("(a+)+$", "a", "!"), "dates": ("", "2026-01-01T", ""), "lines of iCal": ("", "BEGIN:VEVENT\r\n", ""),
    "fences": ("", "```json\n", ""), "minus signs": ("", "-", ""), "at signs": ("", "a@", ""), "colons": ("", ":", ""),
    "statements": ("", "select 1;", ""), "comments": ("", "/*", ""), "dollars": ("", "$$", ""), "placeholders": ("", "$1,", ""),
    "stars": ("", "*", ""), "paths": ("", "../", ""), "alternatives": ("", "{a,b}", ""), "accents": ("", "e\u0301", ""),
}  # fmt: skip
"""What a text begins with, what it repeats, and how it ends."""


def text_of(name: str) -> str:
    """Return a text."""
    before, piece, after = TEXTS[name]
    return f"{before}{piece * (LENGTH // len(piece))}{after}"


def expression_of(name: str) -> str:
    """Return an expression that gives a text: written out, it would be too long for a compiler in a hurry."""
    before, piece, after = (json.dumps(each) for each in TEXTS[name])
    return f"={{{{ {before} + {piece}.repeat({LENGTH // len(TEXTS[name][1])}) + {after} }}}}"


@dataclass(frozen=True)
class HostileRequest:
    """A request, as bytes would be: targets and headers are Latin-1 text."""

    what: str
    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def requests(tenant: str) -> Iterator[HostileRequest]:
    """Give each request: to the tenant's webhooks `neighbour` and `neighbour-bots`, its form `neighbour-form`, and the routes that take a key."""
    hook, form = f"/webhook/{tenant}/neighbour", f"/form/{tenant}/neighbour-form"
    yield from _bodies(hook, form)
    yield from _heads(hook, form)
    for path in ("/workflows/start", "/templates/check", "/templates?key=neighbour-check"):
        for name, (_, body) in LARGE.items():
            yield HostileRequest(f"{path}: {name}", "POST", path, {"content-type": JSON}, body)
        yield HostileRequest(f"{path}: levels", "POST", path, {"content-type": JSON}, b"[" * 100_000 + b"]" * 100_000)
    for name, text in EXPRESSIONS.items():
        yield HostileRequest(
            f"an export with {name}", "POST", "/templates/check", {"content-type": JSON}, _export(text)
        )
    for query in (*QUERIES, f"cursor={'a' * 1_999}", f"status={'a' * HEAD}", f"limit={'9' * HEAD}"):
        yield HostileRequest(f"/workflows?{query[:30]}", "GET", f"/workflows?{query}")


def _bodies(hook: str, form: str) -> Iterator[HostileRequest]:
    for name, (content_type, body) in LARGE.items():
        for address in (hook, form):
            yield HostileRequest(name, "POST", address, {"content-type": content_type}, body)
    for name in COMPRESSED:
        content_type, body = LARGE[name]
        headers = {"content-type": content_type, "content-encoding": "gzip"}
        yield HostileRequest(f"{name}, compressed", "POST", hook, headers, gzip.compress(body * 100, 1))


def _heads(hook: str, form: str) -> Iterator[HostileRequest]:
    for name, values in HEADERS.items():
        for value in values:
            what = f"{name}: {value[:30]}"
            yield HostileRequest(what, "POST", f"{hook}-bots", {name: value}, b"x")
            yield HostileRequest(what, "OPTIONS", hook, {"origin": "https://a.example", name: value})
    for query in QUERIES:
        for address in (hook, form):
            yield HostileRequest(f"?{query[:30]}", "GET", f"{address}?{query}")


def _export(text: str) -> bytes:
    nodes = [
        {"id": "1", "name": "Start", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "position": [0, 0], "parameters": {}},
        {"id": "2", "name": "Page", "type": "n8n-nodes-base.html", "typeVersion": 1.2, "position": [0, 0],
         "parameters": {"operation": "generateHtmlTemplate", "html": text}},
    ]  # fmt: skip
    connections = {"Start": {"main": [[{"node": "Page", "type": "main", "index": 0}]]}}
    return json.dumps({"name": "hostile", "nodes": nodes, "connections": connections}).encode()
