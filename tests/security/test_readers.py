"""Whatever reads text from outside in this process takes linear time over it, however the text is made."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pytest

from api.triggers.bodies import read_body
from compiler import compile_export
from compiler.expressions import compile_expression, compile_resolvables
from compiler.expressions.references import scan_python
from compiler.sites.advice import explain_syntax_error
from runtime.agents.parsers.answer_parser import loads as load_answer
from runtime.agents.tools.from_ai import schema
from runtime.agents.tools.tool_calculator import calculate
from runtime.catalog import CATALOG
from runtime.http.address import join, normalise
from runtime.http.answer import content_type, file_name, header_object
from runtime.http.query import parse_form
from runtime.http.request import Outgoing
from runtime.http.signing import digest
from runtime.values.cron_expression import cron_lines
from runtime.values.dates import parse_date
from runtime.values.encodings import decode, detect, encode
from runtime.values.javascript import js_number, json_stringify
from runtime.values.json_error import json_error
from runtime.values.json_repair import parse_repaired
from runtime.values.json_text import parse_json, parse_object_literal
from runtime.values.legacy_dates import parse_legacy
from runtime.values.paths import get, set_path, to_path, unset
from runtime.values.tables import TableCondition, _test
from runtime.values.validation import validate_field
from runtime.values.xml_reader import XmlOptions, read_xml
from runtime.values.xml_writer import Builder
from schemas.plan import Kind, Step
from schemas.redact import looks_secret, redact
from tests.security.growth import Text, Work, super_linear

LONGEST: Final = 2048
COSTLY: Final = 512
"""Characters for what takes about ten microseconds a character or more."""
OUTGOING: Final = Outgoing("GET", "http://a/b", [], None)
WEBHOOK = Step(name="W", type="n8n-nodes-base.webhook", version=2, kind=Kind.INLINE, parameters={"options": {}})


def pieces(text: str, *more: str) -> list[str]:
    return [*text.split(" "), " ", *more]


JSON = pieces('{ } [ ] , : " \' \\ / /* // 0 1. -1 1e aa $ ( ) ? => + "a", {"a": [{ [1 [1] ,, : "a"b "a,"b', "\n")
CODE = pieces(
    "{{ }} \\ { } ( ) [ ] . ?. ?.a a. a?.[ , ; ' \" ` ${ // /* => ?: && ! = $json $json.a .first() ?.a.first() a( $if( "
    "(a)=> function(){ x[ x[a] . constructor 1 + - ** ?? async await => [... {... /a/ <!-- $('a'). _node(' _( "
    "$if(a,b, a?b: (x=> [x, x[ ! ({a: `${ a+b+ a.map(b=> /*c*/.",
    "\n", "new ",
)  # fmt: skip
XML = pieces(
    '< > </ /> <a <a> </a> <!-- --> <![CDATA[ ]]> <!DOCTYPE [ ] " \' = a="b" & &amp; &#x ? <? ! b="1"/> a', '<a b="1"/>'
)
WORDS = pieces(
    "a 1 0 - _ / : . , ; = \" ' ( ) [ ] % %41 @ \\ # ? & a= a=\" [0] ['a'] [\"a .. a.b * 1-2 /5 */ + T 00: == < > t8_ sk- eyJ :// "
    "x@ a:b@ Bearer password:",
    "\t", "\n", "\r\n", "ä", "\u3000", "Mon, ", "-----BEGIN PRIVATE KEY-----", "Bearer ", "password: ",
)  # fmt: skip


def like(pattern: str) -> Work:
    return _test(TableCondition("c", "ilike", pattern), "string")


def write(make: Callable[[str], Any]) -> Work:
    return lambda text: Builder().build(make(text))


def export(name: str, **parameters: Any) -> bytes:
    node = {"name": "A", "type": name, "typeVersion": 2, "position": [0, 0], "parameters": parameters}
    return json.dumps({"name": "x", "nodes": [node], "connections": {}}).encode()


def check(name: str, parameter: str, prefix: str = "") -> Work:
    return lambda text: compile_export(export(name, **{parameter: prefix + text}), file="x.json", catalog=CATALOG)


def valid(kind: str) -> Work:
    return lambda text: validate_field("f", text, kind, parse_strings=True)


def place(text: str) -> None:
    target: dict[str, Any] = {}
    set_path(target, text, 1)
    unset(target, text)


def body(mime: str) -> Work:
    return lambda text: read_body(WEBHOOK, {"content-type": mime}, text.encode("utf-8", "replace"))


def code(text: str) -> Any:
    return compile_expression("={{ " + text + " }}")


READERS: Final[Mapping[str, tuple[Work, list[str]]]] = {
    "JSON": (parse_json, JSON),
    "an object literal": (parse_object_literal, JSON),
    "an object literal inside": (lambda text: parse_object_literal("{a: " + text + "}"), JSON),
    "JSON to repair": (parse_repaired, JSON),
    "a list to repair": (lambda text: parse_repaired("[" + text), JSON),
    "a string to repair": (lambda text: parse_repaired('{"a": "' + text), JSON),
    "the fault of JSON": (json_error, JSON),
    "XML": (lambda text: read_xml(text, XmlOptions()), XML),
    "XML inside a root": (lambda text: read_xml(f"<r>{text}</r>", XmlOptions(normalize=True, trim=True)), XML),
    "attributes of XML": (lambda text: read_xml(f"<r {text}>", XmlOptions(merge_attrs=False)), XML),
    "a document type": (lambda text: read_xml(f"<!DOCTYPE a {text}><a/>", XmlOptions()), XML),
    "XML to write": (write(lambda text: {"a": {"_": text, "$": {"b": text}}}), XML),
    "names of XML to write": (write(lambda text: {"a": {text: 1}}), XML),
    "an expression": (compile_expression, ["=", *CODE]),
    "a template": (lambda text: compile_expression("=" + text), CODE),
    "code": (code, CODE),
    "a text to fill in": (lambda text: compile_resolvables(text, "text"), CODE),
    "Python": (scan_python, CODE),
    "a syntax error": (lambda text: explain_syntax_error("=" + text, len(text) // 2), CODE),
    "a program": (check("n8n-nodes-base.code", "jsCode"), ["/*", "(", "a.b", "`${", "&&!", "require('x') ", "const a=1;", "fetch(", "$('a')"]),
    "a template of HTML": (check("n8n-nodes-base.html", "html"), ["{{", "}}", "{{a}}", "\\"]),
    "a node's text": (check("n8n-nodes-base.noOp", "notes", "="), ["{{", "{{a}}", "://", "sk-"]),
    "an export": (lambda text: compile_export(text, file="x.json", catalog=CATALOG), ["[", "{", '{"a":', '"', "\\", "1", " "]),
    "a number": (js_number, WORDS),
    "digits": (lambda text: js_number("0x" + text), ["f", "0", "1"]),
    "a date": (parse_date, WORDS),
    "a date of V8": (parse_legacy, WORDS),
    "a cron expression": (cron_lines, WORDS),
    "a path": (to_path, WORDS),
    "a member": (lambda text: get({"a": [1]}, text), WORDS),
    "a place": (place, WORDS),
    "a text to write": (json_stringify, WORDS),
    "likeness": (like("%a%a%a%a%"), WORDS),
    "a likeness": (lambda text: like(text)("a" * 500), ["%", "a%", "%a", "_"]),
    "base64": (lambda text: encode(text, "base64"), WORDS),
    "hex": (lambda text: encode(text, "hex"), WORDS),
    "a text of unknown encoding": (lambda text: decode(text.encode(), detect(text.encode())), WORDS),
    **{f"a {kind}": (valid(kind), WORDS) for kind in (
        "url", "jwt", "time", "dateTime", "number", "boolean", "object", "array", "string-alphanumeric")},
    "a URL": (normalise, WORDS),
    "the path of a URL": (lambda text: normalise("http://a/" + text), [*WORDS, "a/", "../", "a/../", "%2e/"]),
    "the host of a URL": (lambda text: normalise("http://" + text), WORDS),
    "a redirect": (lambda text: join("http://a/b", text), [*WORDS, "a/", "../"]),
    "a content type": (lambda text: content_type([("content-type", text)]), [*WORDS, "charset=", "; "]),
    "a disposition": (lambda text: file_name([("content-disposition", text)], "http://a/"), [*WORDS, "filename*=", "''"]),
    "a challenge": (lambda text: digest(OUTGOING, "Digest " + text, "u", "p", "c"), WORDS),
    "headers": (lambda text: header_object([("x", each) for each in text]), ["a"]),
    "a form": (parse_form, WORDS),
    "an answer of a model": (load_answer, ["```", " ", "\n", "json", "a", "{", "`"]),
    "a sum": (calculate, WORDS),
    "arguments for a model": (lambda text: schema({"a": "=" + text}), ["$fromAI(", "'", ",", "(", "\\", "$fromAI('a'", "a"]),
    "an error to show": (redact, WORDS),
    "a secret": (looks_secret, WORDS),
    "a body of JSON": (body("application/json"), JSON),
    "a body of XML": (body("text/xml"), XML),
    "a form's body": (body("application/x-www-form-urlencoded"), WORDS),
    "parts": (body("multipart/form-data; boundary=x"), ["--x", "\r\n", "--x\r\n", "a: b\r\n", "Content-Disposition: form-data; name=a\r\n"]),
    "a boundary": (lambda text: read_body(WEBHOOK, {"content-type": f"multipart/form-data; {text}"}, b"x"), WORDS),
    "the type of a body": (lambda text: read_body(WEBHOOK, {"content-type": f"text/plain; {text}"}, b"x"), [*WORDS, "charset="]),
    "a file's name": (lambda text: read_body(WEBHOOK, {"content-type": "a/b", "content-disposition": text}, b"x"),
                      [*WORDS, "filename=", "filename*0*=", "=?utf-8?q?a?= "]),
}  # fmt: skip
COSTLY_READERS: Final = {
    "JSON to repair", "a list to repair", "a string to repair", "an expression", "a template", "code", "a program",
    "a template of HTML", "a node's text", "an export", "an object literal", "an object literal inside",
}  # fmt: skip


def repeated(pump: str, suffix: str) -> Text:
    return lambda n: pump * (n // len(pump)) + suffix


def halves(first: str, second: str) -> Text:
    return lambda n: first * (n // 2 // len(first)) + second * (n // 2 // len(second))


def texts(pumps: list[str]) -> Iterator[tuple[str, Text]]:
    """Yield each piece over and over, after nothing and after a beginning of it, and halves of an opening and a closing."""
    for pump in pumps:
        for suffix in ("", "\x00!"):
            yield f"{pump!r}… {suffix!r}", repeated(pump, suffix)
    for a, b in zip(pumps, pumps[1:] + pumps[:1], strict=True):
        yield f"{a!r}… {b!r}…", halves(a, b)
        yield f"{a + b!r}…", repeated(a + b, "")


@pytest.mark.parametrize("name", READERS)
def test_reading_takes_linear_time(name: str) -> None:
    work, pumps = READERS[name]
    longest = COSTLY if name in COSTLY_READERS else LONGEST
    slow = (
        f"{text}: {found}" for text, make in texts(pumps) if (found := super_linear(work, make, longest)) is not None
    )
    assert next(slow, None) is None
