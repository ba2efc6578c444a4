"""Objects to XML as xml2js' Builder writes them, pretty-printed."""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from runtime.values.javascript import js_string
from runtime.values.xml_reader import NAME, XmlError
from schemas.item import UNDEFINED

HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_INVALID: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_NEEDS_CDATA: Final = re.compile("[&<>]")
_DEFAULT_ROOT: Final = "root"


@dataclass
class _Node:
    """An element; children are elements or finished text."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: "list[_Node | str]" = field(default_factory=list)


@dataclass(frozen=True)
class Builder:
    """xml2js' options of the Builder."""

    attrkey: str = "$"
    charkey: str = "_"
    cdata: bool = False
    headless: bool = False
    root_name: str = _DEFAULT_ROOT

    def build(self, value: Any) -> str:
        """Return the document. Raise XmlError for names and characters that XML does not have."""
        name, content = self.root_name, value
        if len(entries := _members(value)) == 1 and name == _DEFAULT_ROOT:
            ((name, content),) = entries
        root = _element(name)
        self._fill(root, content)
        return ("" if self.headless else HEAD) + _write(root, 0)

    def _text(self, value: Any) -> str:
        if self.cdata and isinstance(value, str) and _NEEDS_CDATA.search(value):
            return "<![CDATA[" + value.replace("]]>", "]]]]><![CDATA[>") + "]]>"
        text = js_string(value)
        return (
            _checked_text(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")
        )

    def _fill(self, node: _Node, value: Any) -> None:
        if isinstance(value, list):
            for child in value:
                for key, entry in _members(child):
                    self._child(node, key, entry)
        elif isinstance(value, dict):
            for key, child in value.items():
                self._member(node, key, child)
        elif value is not None and value is not UNDEFINED:
            node.children.append(self._text(value))

    def _member(self, node: _Node, key: str, child: Any) -> None:
        if key == self.attrkey:
            if isinstance(child, dict):
                node.attributes |= {
                    _name(name): _attribute(each)
                    for name, each in child.items()
                    if each is not None and each is not UNDEFINED
                }
        elif key == self.charkey:
            node.children.append(self._text(child))
        elif isinstance(child, list):
            for entry in child:
                self._child(node, key, entry)
        else:
            self._child(node, key, child)

    def _child(self, node: _Node, key: str, value: Any) -> None:
        child = _element(key)
        node.children.append(child)
        self._fill(child, value)


def _members(value: Any) -> list[tuple[str, Any]]:
    """Yield what JavaScript's `for in` walks."""
    if isinstance(value, dict):
        return list(value.items())
    return [(str(i), each) for i, each in enumerate(value)] if isinstance(value, list | str) else []


def _element(name: str) -> _Node:
    return _Node(_name(name))


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise XmlError("name.indexOf is not a function")
    if not NAME.fullmatch(name):
        raise XmlError("Invalid character in name")
    return name


def _checked_text(text: str) -> str:
    bad = _INVALID.search(text)
    if bad:
        raise XmlError(f"Invalid character in string: {text} at index {bad.start()}")
    return text


def _attribute(value: Any) -> str:
    text = _checked_text(js_string(value)).replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return text.replace("\t", "&#x9;").replace("\n", "&#xA;").replace("\r", "&#xD;")


def _write(node: _Node, depth: int) -> str:
    indent = "  " * depth
    head = f"{indent}<{node.name}" + "".join(f' {name}="{value}"' for name, value in node.attributes.items())
    if not any(node.children):
        return head + "/>"
    if len(node.children) == 1 and isinstance(node.children[0], str):
        return f"{head}>{node.children[0]}</{node.name}>"
    inner = (f"{indent}  {child}" if isinstance(child, str) else _write(child, depth + 1) for child in node.children)
    return "\n".join([head + ">", *inner, f"{indent}</{node.name}>"])
