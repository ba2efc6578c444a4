"""XML to objects as xml2js makes them, read as leniently as sax does: no DTD is obeyed, no entity is ever defined."""

import html.entities
import re
from dataclasses import dataclass, field
from typing import Any, Final

from runtime.values.objects import UNSAFE_KEYS

_NAME_START = r"[:_A-Za-z\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u02FF\u0370-\u037D\u037F-\u1FFF\u200C-\u200D\u2070-\u218F\u2C00-\u2FEF\u3001-\uD7FF\uF900-\uFDCF\uFDF0-\uFFFD\U00010000-\U000EFFFF]"  # noqa: E501
NAME: Final = re.compile(_NAME_START + _NAME_START[:-1] + r"\u00B7\u0300-\u036F\u203F-\u2040.\d-]*|" + _NAME_START)
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_ENTITY: Final = re.compile(r"&([^;<&\s]*)(;?)")
_DOCTYPE: Final = re.compile(r"<!DOCTYPE(?:\[[^\]]*+\]|\"[^\"]*+\"|'[^']*+'|[^\[\"'>]++)*+>", re.IGNORECASE)
_BLANKS: Final = re.compile(r"\s{2,}")
_MAX_DEPTH: Final = 1000
_MAX_CODE_POINT: Final = 0x10FFFF


class XmlError(ValueError):
    """Raised when the text is not XML. The message is sax's, with line, column and character."""


@dataclass(frozen=True)
class XmlOptions:
    """xml2js' options."""

    attrkey: str = "$"
    charkey: str = "_"
    explicit_array: bool = False
    explicit_root: bool = True
    ignore_attrs: bool = False
    merge_attrs: bool = True
    normalize: bool = False
    normalize_tags: bool = False
    trim: bool = False


@dataclass
class _Element:
    """An element that is still open."""

    name: str
    members: dict[str, Any]
    text: list[str] = field(default_factory=list)
    has_cdata: bool = False


def read_xml(text: str, options: XmlOptions) -> Any:
    """Return the object of a document; None when there is nothing but white space. Raise XmlError."""
    if not text.strip():
        return None
    return _Reader(text.removeprefix("\ufeff"), options).document()


class _Reader:
    """One pass over the text, elements on a stack."""

    def __init__(self, text: str, options: XmlOptions) -> None:
        self._text, self._at, self._options = text, 0, options
        self._open: list[_Element] = []

    def document(self) -> Any:
        start = _SPACE.match(self._text, 0)
        self._at = start.end() if start else 0
        if not self._text.startswith("<", self._at):
            raise self._error("Non-whitespace before first tag.", self._at + 1)
        while self._at < len(self._text):
            if self._text.startswith("<", self._at):
                closed = self._markup()
                if closed is not None:
                    return closed[0]
            else:
                self._characters()
        raise self._error("Unclosed root tag", len(self._text))

    def _error(self, message: str, end: int) -> XmlError:
        """`end` is the number of characters that sax has read, the one at fault included."""
        before = self._text[:end]
        column = len(before) - (before.rfind("\n") + 1)
        character = self._text[end - 1] if end <= len(self._text) and message != "Unclosed root tag" else ""
        return XmlError(f"{message}\nLine: {before.count(chr(10))}\nColumn: {column}\nChar: {character}")

    def _characters(self) -> None:
        end = self._text.find("<", self._at)
        end = len(self._text) if end < 0 else end
        text = self._decoded(self._at, end)
        self._at = end
        if self._open:
            self._open[-1].text.append(text)

    def _decoded(self, start: int, end: int) -> str:
        text = self._text[start:end]
        if "&" not in text:
            return text

        def replace(match: re.Match[str]) -> str:
            if not match[2]:
                raise self._error("Invalid character in entity name", start + match.end() + 1)
            text = _entity(match[1])
            if text is None:
                raise self._error("Invalid character entity", start + match.end())
            return text

        return _ENTITY.sub(replace, text)

    def _markup(self) -> tuple[Any] | None:
        """One tag, comment, ... The value of the document, in a tuple, once its root is closed."""
        text, at = self._text, self._at
        if text.startswith("<!--", at):
            self._skip("-->", 4)
        elif text.startswith("<![CDATA[", at):
            start = at + 9
            self._skip("]]>", 9)
            if self._open:
                self._open[-1].text.append(text[start : self._at - 3])
                self._open[-1].has_cdata = True
        elif text.startswith("<?", at):
            self._skip("?>", 2)
        elif text.startswith("<!", at):
            doctype = _DOCTYPE.match(text, at)
            if doctype is None:
                raise self._error("Unclosed root tag", len(text))
            self._at = doctype.end()
        elif text.startswith("</", at):
            return self._end_tag()
        else:
            return self._start_tag()
        return None

    def _skip(self, terminator: str, offset: int) -> None:
        end = self._text.find(terminator, self._at + offset)
        if end < 0:
            raise self._error("Unclosed root tag", len(self._text))
        self._at = end + len(terminator)

    def _end_tag(self) -> tuple[Any] | None:
        end = self._text.find(">", self._at)
        if end < 0:
            raise self._error("Unclosed root tag", len(self._text))
        name = self._text[self._at + 2 : end].rstrip()
        if not self._open or self._open[-1].name != name:
            raise self._error("Unexpected close tag", end + 1)
        self._at = end + 1
        return self._close()

    def _start_tag(self) -> tuple[Any] | None:
        name = NAME.match(self._text, self._at + 1)
        if name is None:
            raise self._error("Unencoded <", self._at + 2)
        if len(self._open) >= _MAX_DEPTH:
            raise XmlError(f"Elements are nested deeper than {_MAX_DEPTH} levels")
        element = _Element(name[0], {})
        self._at = name.end()
        self._open.append(element)
        while True:
            space = _SPACE.match(self._text, self._at)
            self._at = space.end() if space else self._at
            if self._text.startswith("/>", self._at):
                self._at += 2
                return self._close()
            if self._text.startswith(">", self._at):
                self._at += 1
                return None
            self._attribute(element)

    def _attribute(self, element: _Element) -> None:
        name = NAME.match(self._text, self._at)
        if name is None:
            if self._at >= len(self._text):
                raise self._error("Unclosed root tag", len(self._text))
            raise self._error("Invalid attribute name", self._at + 1)
        at = self._after_space(name.end())
        if not self._text.startswith("=", at):
            raise self._error("Invalid attribute name" if at < len(self._text) else "Unclosed root tag", at + 1)
        at = self._after_space(at + 1)
        quote = self._text[at : at + 1]
        if quote not in ('"', "'"):
            raise self._error("Unquoted attribute value" if quote else "Unclosed root tag", at + 1)
        end = self._text.find(quote, at + 1)
        if end < 0:
            raise self._error("Unclosed root tag", len(self._text))
        self._at = end + 1
        self._add_attribute(element, name[0], self._decoded(at + 1, end))

    def _after_space(self, at: int) -> int:
        space = _SPACE.match(self._text, at)
        return space.end() if space else at

    def _add_attribute(self, element: _Element, name: str, value: str) -> None:
        options = self._options
        if options.ignore_attrs:
            return
        name = _safe(name)
        if not options.merge_attrs:
            element.members.setdefault(options.attrkey, {}).setdefault(name, value)
        elif name not in element.members:
            _add(element.members, name, value, options.explicit_array)

    def _close(self) -> tuple[Any] | None:
        element = self._open.pop()
        value = self._value(element)
        name = _safe(element.name.lower() if self._options.normalize_tags else element.name)
        if self._open:
            _add(self._open[-1].members, name, value, self._options.explicit_array)
            return None
        return ({name: value} if self._options.explicit_root else value,)

    def _value(self, element: _Element) -> Any:
        options, text = self._options, "".join(element.text)
        blank = not text.strip(" \t\r\n\f\v\u00a0\ufeff") and not element.has_cdata
        if blank:
            return element.members or text
        if options.trim:
            text = text.strip()
        if options.normalize:
            text = _BLANKS.sub(" ", text).strip()
        return {options.charkey: text, **element.members} if element.members else text


def _safe(name: str) -> str:
    return f"sanitized_{name}" if name in UNSAFE_KEYS else name


def _add(members: dict[str, Any], name: str, value: Any, explicit_array: bool) -> None:
    if name not in members:
        members[name] = [value] if explicit_array else value
    elif isinstance(members[name], list):
        members[name].append(value)
    else:
        members[name] = [members[name], value]


def _entity(name: str) -> str | None:
    if name.startswith("#"):
        digits, base = (name[2:], 16) if name[1:2] in ("x", "X") else (name[1:], 10)
        try:
            number = int(digits, base)
        except ValueError:
            return None
        return chr(number) if 0 < number <= _MAX_CODE_POINT and digits.isalnum() else None
    if name == "apos":
        return "'"
    return chr(html.entities.name2codepoint[name]) if name in html.entities.name2codepoint else None
