"""A checked expression as the JavaScript that V8 runs.

The names that it does not declare come from the scope object, n8n's extension methods go through their dispatcher,
computed property names through the gate.

| in | out |
|---|---|
| `$json.a + b` | `___s.$json.a + ___s.b` |
| `x[key]` | `x[___k(key)]` |
| `v.first(2)` | `___x(v,"first",[2])` |
| `v?.a.first()` | `((___t0=(v))==null?void 0:___x(___t0.a,"first",[]))` |
| `v.first?.().a` | `((___t0=(___x(v,"first",[],___x)))===___x?void 0:___t0.a)` |
| `$if(c, a, b)` | `((c)?(a):(b))` |
| `this` | `___this`, and in a function a fresh object each time |
| `catch (e) { f(e) }` | `catch (e) {___e(e); ___s.f(e) }`: errors name what failed as n8n's do, not `___s.x` |
| `10n * 2` | `___f(()=>(10n * 2))`: n8n does not catch what it throws |

Text is edited in place, never printed from the tree, so that what runs is what the author wrote. Comments go away,
since they are where two JavaScript parsers most easily disagree.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain

from compiler.expressions.bindings import is_scope, names_by_scope
from compiler.expressions.gate import RESERVED_NAMES, check_node, constant_key, reserved_message
from compiler.expressions.syntax import CHAIN, InvalidCodeError, Node, ParsedCode
from schemas.expression import EXTENSION_NAMES

__all__ = ["rewrite"]

_NATIVE_ROOTS = frozenset({"$", "$input", "Array", "JSON", "Math", "Number", "Object"})
"""Receivers on which an extension name always means their own method."""
_FUNCTIONS = frozenset({"function_expression", "function_declaration", "generator_function", "method_definition"})
_FRESH_THIS = "({process:{},require:{},module:{},Buffer:{}})"
"""`this` in a function: n8n puts a new object in its place wherever it stands, so that no reference sees what another wrote."""
_IF_MIN_ARGUMENTS, _IF_MAX_ARGUMENTS = 2, 3
_CAUGHT = frozenset({"member_expression", "subscript_expression", "function_expression", "generator_function"})
"""With one of these, a call or a name that n8n looks up, it runs the code inside a `try` and an error gives undefined."""
_NOT_LOOKED_UP = frozenset({"Date", "Math", "NaN", "RegExp", "isFinite", "isNaN", "undefined"})
_THROWS = frozenset({"class", "new_expression", "spread_element", "in", "instanceof"})
"""What may throw in code that has none of those; a BigInt may too."""


def rewrite(source: ParsedCode, root: Node, temporaries: int = 0) -> tuple[str, int]:
    """Return the expression below `root` as JavaScript for V8, and how many temporaries (`___t0`, ...) the text uses so
    far. Raise InvalidCodeError if n8n refuses the expression.
    """
    names = names_by_scope(source)
    for name in RESERVED_NAMES & set(chain.from_iterable(names.values())):
        raise InvalidCodeError(reserved_message(name))
    editor = _Editor(source, names, temporaries)
    editor.edit(root)
    text = editor.result(root)
    return f"___f(()=>({text}\n))" if editor.throws and not editor.caught else text, editor.temporaries


@dataclass
class _Editor:
    source: ParsedCode
    names: dict[int, frozenset[str]]
    temporaries: int
    edits: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    """Start of a range -> where it ends, and the text that takes its place, in the order of their creation."""
    scopes: list[frozenset[str]] = field(default_factory=list)
    parents: dict[int, Node] = field(default_factory=dict)
    """Node (by id) -> its parent, of the nodes below the root: tree-sitter walks from the root to find one."""
    chains: dict[int, "_Chain"] = field(default_factory=dict)
    """Call, member or subscript (by id) -> the chain of them that it is a link of."""
    waiting: dict[int, int] = field(default_factory=dict)
    """Optional link (by id) -> number of extension calls that open behind its test."""
    tests: dict[int, str] = field(default_factory=dict)
    """Optional link (by id) that becomes a test -> name of its temporary."""
    closing: dict[int, int] = field(default_factory=dict)
    """Node (by id) -> number of tests that end with it."""
    caught: bool = False
    """Whether n8n runs this code inside a `try`."""
    throws: bool = False
    """Whether it may throw outside of one."""
    bare_catches: bool = False
    """Whether a `catch` without a name began above or before."""

    def edit(self, root: Node) -> None:
        """Record the edits of every node below `root`, parents before and after their children."""
        self._enter_scopes_above(root)
        stack: list[tuple[Node, bool]] = [(root, False)]
        while stack:
            node, children_visited = stack.pop()
            if children_visited:
                self._exit(node)
                continue
            self._enter(node)
            stack.append((node, True))
            children = node.children
            self.parents.update((child.id, node) for child in children)
            stack.extend((child, False) for child in reversed(children))

    def result(self, root: Node) -> str:
        """Return the text with all edits applied, by position and, at the same position, in the order of their
        creation.
        """
        pieces: list[bytes] = []
        at = root.start_byte
        for start in sorted(self.edits):
            for end, text in self.edits[start]:
                pieces += [self.source.data[at:start], text.encode("utf-8", "surrogatepass")]
                at = max(at, end)
        pieces.append(self.source.data[at : root.end_byte])
        return b"".join(pieces).decode("utf-8", "surrogatepass")

    # --- the walk ---------------------------------------------------------------------------------------------------

    def _enter_scopes_above(self, root: Node) -> None:
        parent = root.parent
        while parent is not None:
            if is_scope(parent):
                self.scopes.append(self.names.get(parent.id, frozenset()))
            parent = parent.parent

    def _enter(self, node: Node) -> None:
        check_node(self.source, node)
        if node.type in CHAIN and node.id not in self.chains:
            chain = _Chain(node, self._is_tested)
            self.chains.update((link.id, chain) for link in chain.links)
        if self._is_computed(node):
            self._insert(node.start_byte, "___k(")
        if is_scope(node):
            self.scopes.append(self.names.get(node.id, frozenset()))
        self._enter_token(node)
        if node.type == "call_expression":
            self._enter_call(node)
        if node.type == "catch_clause":
            self._enter_catch(node)
        self._note_errors(node)

    def _enter_catch(self, node: Node) -> None:
        parameter, body = node.child_by_field_name("parameter"), node.child_by_field_name("body")
        self.bare_catches = self.bare_catches or parameter is None
        if parameter is not None and parameter.type == "identifier" and body is not None:
            self._insert(body.start_byte + 1, f"___e({self.source.text(parameter)});")

    def _note_errors(self, node: Node) -> None:
        """Note whether the node may throw, and whether n8n then catches the error."""
        arguments = node.child_by_field_name("arguments") if node.type == "call_expression" else None
        called = arguments is not None and arguments.type == "arguments" and not self._is_if(node)
        self.caught = self.caught or called or node.type in _CAUGHT
        tagged = arguments is not None and arguments.type == "template_string"
        big = node.type == "number" and self.source.text(node).endswith("n")
        self.throws = self.throws or big or tagged or node.type in _THROWS

    def _enter_token(self, node: Node) -> None:
        match node.type:
            case "identifier":
                self._identifier(node, f"___s.{self.source.text(node)}")
            case "shorthand_property_identifier" | "shorthand_property_identifier_pattern":
                name = self.source.text(node)
                self._identifier(node, f"{name}: ___s.{name}")
            case "this":
                self._replace(node, _FRESH_THIS if self._in_function(node) else "___this")
            case "comment" | "html_comment":
                self._replace(node, "\n" if "\n" in self.source.text(node) else " ")
            case "optional_chain":
                self._link(node)

    def _exit(self, node: Node) -> None:
        if node.type == "call_expression":
            self._exit_call(node)
        if self.closing.get(node.id):
            self._insert(node.end_byte, ")" * self.closing[node.id])
        if node.type == "call_expression" and node.id in self.tests:
            self._rest_of_call(node, self.tests[node.id])
        if self._is_computed(node):
            self._insert(node.end_byte, ")")
        if is_scope(node):
            self.scopes.pop()

    def _replace(self, node: Node, text: str) -> None:
        self._edit(node.start_byte, node.end_byte, text)

    def _insert(self, at: int, text: str) -> None:
        self._edit(at, at, text)

    def _edit(self, start: int, end: int, text: str) -> None:
        self.edits.setdefault(start, []).append((end, text))

    def _identifier(self, node: Node, text: str) -> None:
        name = self.source.text(node)
        if self.bare_catches and name not in _NOT_LOOKED_UP:
            self._check_lookup(node, name)
        if not self._is_local(name):
            self._replace(node, text)
            self.caught = self.caught or (name not in _NOT_LOOKED_UP and not self._is_if(self.parents.get(node.id)))

    def _check_lookup(self, node: Node, name: str) -> None:
        """Raise InvalidCodeError for a name that is not declared within a `catch` without a name: n8n fails on that `catch`."""
        above = self.parents.get(node.id)
        while above is not None and not (is_scope(above) and name in self.names.get(above.id, ())):
            if above.type == "catch_clause" and above.child_by_field_name("parameter") is None:
                raise InvalidCodeError("null does not match type Pattern", self.source.index(node.start_byte))
            above = self.parents.get(above.id)

    def _is_local(self, name: str) -> bool:
        return any(name in scope for scope in self.scopes)

    def _in_function(self, node: Node) -> bool:
        parent = self.parents.get(node.id)
        while parent is not None and parent.type not in _FUNCTIONS:
            parent = self.parents.get(parent.id)
        return parent is not None

    def _is_computed(self, node: Node) -> bool:
        """Return whether the node is the key of `x[key]` and known at run time only."""
        parent = self.parents.get(node.id)
        if parent is None or parent.type != "subscript_expression" or parent.child_by_field_name("index") != node:
            return False
        return node.type != "number" and constant_key(self.source, node) is None

    # --- calls ------------------------------------------------------------------------------------------------------

    def _enter_call(self, node: Node) -> None:
        if self._is_if(node):
            self._insert(node.start_byte, "(")
        elif self._extension(node) is not None:
            chain = self.chains[node.id]
            self._tests(chain)
            link = chain.optional_below[node.id]
            if link is None:
                self._insert(chain.start, "___x(")
            else:
                self.waiting[link.id] = self.waiting.get(link.id, 0) + 1

    def _exit_call(self, node: Node) -> None:
        if self._is_if(node):
            self._conditional(node)
        elif (method := self._extension(node)) is not None:
            self._dispatch(node, method)

    def _extension(self, node: Node) -> Node | None:
        """Return the method's name if this calls an extension method: `.first(`, with nothing between dot and name."""
        function = node.child_by_field_name("function")
        if function is None or function.type != "member_expression":
            return None
        method, receiver = function.child_by_field_name("property"), function.child_by_field_name("object")
        if method is None or receiver is None or self.source.text(method) not in EXTENSION_NAMES:
            return None
        arguments = node.child_by_field_name("arguments")
        if arguments is None or arguments.type != "arguments" or self._is_native(receiver):
            return None
        return method if self.source.data[method.start_byte - 1 : method.start_byte] == b"." else None

    def _is_native(self, receiver: Node) -> bool:
        if receiver.type == "call_expression":
            callee = receiver.child_by_field_name("function")
            return callee is not None and callee.type == "identifier" and self.source.text(callee) == "$"
        return (
            receiver.type == "identifier"
            and self.source.text(receiver) in _NATIVE_ROOTS
            and not self._is_local(self.source.text(receiver))
        )

    def _dispatch(self, node: Node, method: Node) -> None:
        """Replace `.name(` by `,"name",[`; the last bracket closes both. `.name?.(` tests the method first."""
        function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        assert function is not None  # _extension has seen both
        assert arguments is not None
        receiver = function.child_by_field_name("object")
        assert receiver is not None
        opening = arguments.children[0]
        optional = node.child_by_field_name("optional_chain") is not None
        self._drop_between(receiver.end_byte, opening.end_byte)
        self._edit(receiver.end_byte, opening.end_byte, f',"{self.source.text(method)}",[')
        closing = arguments.children[-1]
        absent = "___x" if node.id in self.tests else "true"
        self._edit(closing.start_byte, closing.end_byte, f"],{absent})" if optional else "])")

    def _drop_between(self, start: int, end: int) -> None:
        """Drop the edits inside a range that is replaced as a whole (a link that has no test, a comment).

        No two of these ranges overlap: they hold punctuation and comments.
        """
        for at in range(start, end):
            if at in self.edits:
                self.edits[at] = [edit for edit in self.edits[at] if edit[0] == at]

    # --- optional chains --------------------------------------------------------------------------------------------

    def _tests(self, chain: "_Chain") -> None:
        """Turn every optional link of a chain with an extension call into a test, so that the call is skipped with the
        chain.
        """
        if chain.tested:
            return
        chain.tested = True
        end = chain.links[0]
        for link in chain.links:
            if link.id not in chain.optional:
                continue
            name = f"___t{self.temporaries}"
            self.temporaries += 1
            self.tests[link.id] = name
            self.closing[end.id] = self.closing.get(end.id, 0) + 1
            self._insert(chain.start, f"(({name}=(")
            end = link.child_by_field_name("object") or link  # a call is itself what is tested

    def _is_tested(self, link: Node, top: Node) -> bool:
        """Return whether the rest of a chain depends on this link: `?.member`, `?.[index]`, or `.first?.()` with more behind it."""
        if link.child_by_field_name("optional_chain") is None:
            return False
        return link.type != "call_expression" or (link != top and self._extension(link) is not None)

    def _rest_of_call(self, node: Node, name: str) -> None:
        """Write the test behind a call `.first?.()`: no such method, or a link below that has nothing."""
        skipped = "" if self.chains[node.id].optional_below[node.id] is None else f"||{name}==null"
        opened = "___x(" * self.waiting.get(node.id, 0)
        self._insert(node.end_byte, f"))===___x{skipped}?void 0:{opened}{name}")

    def _link(self, token: Node) -> None:
        link = self.parents.get(token.id)
        if link is None or link.id not in self.tests or link.type == "call_expression":
            return
        name = self.tests[link.id]
        opened = "___x(" * self.waiting.get(link.id, 0)
        self._insert(token.start_byte, f"))==null?void 0:{opened}{name}")
        self._replace(token, "" if link.type == "subscript_expression" else ".")

    # --- $if --------------------------------------------------------------------------------------------------------

    def _is_if(self, node: Node | None) -> bool:
        if node is None:
            return False
        function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        if function is None or arguments is None or arguments.type != "arguments":
            return False
        values = [child for child in arguments.named_children if child.type != "comment"]
        return (
            function.type == "identifier"
            and self.source.text(function) == "$if"
            and len(values) >= _IF_MIN_ARGUMENTS
            and not any(child.type == "spread_element" for child in values)
        )

    def _conditional(self, node: Node) -> None:
        """Replace `$if` by a conditional, as n8n does, so that only one side runs; a fourth argument is ignored."""
        function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        assert function is not None  # _is_if has seen both
        assert arguments is not None
        values = [child for child in arguments.named_children if child.type != "comment"][:_IF_MAX_ARGUMENTS]
        self._drop_between(node.start_byte, values[0].start_byte)
        self._edit(node.start_byte, values[0].start_byte, "(")
        self._edit(values[0].end_byte, values[1].start_byte, ")?(")
        if len(values) == _IF_MAX_ARGUMENTS:
            self._edit(values[1].end_byte, values[2].start_byte, "):(")
        last = values[-1]
        for at in range(last.end_byte + 1, node.end_byte):
            self.edits.pop(at, None)
        self._edit(last.end_byte, node.end_byte, "))" if len(values) == _IF_MAX_ARGUMENTS else "):(false))")


def _below(node: Node) -> Node | None:
    """Return the next link down a chain of calls and members."""
    return node.child_by_field_name("function" if node.type == "call_expression" else "object")


class _Chain:
    """A chain of calls and members, from its last link down: `a?.b.c()` has three."""

    def __init__(self, top: Node, is_tested: Callable[[Node, Node], bool]) -> None:
        self.links = [top]
        below = _below(top)
        while below is not None and below.type in CHAIN:
            self.links.append(below)
            below = _below(below)
        self.start = (below or self.links[-1]).start_byte
        self.tested = False
        self.optional_below: dict[int, Node | None] = {}
        """Link (by id) -> the nearest link below it that is tested."""
        self.optional: set[int] = set()
        """The links (by id) that are tested."""
        nearest: Node | None = None
        for link in reversed(self.links):
            self.optional_below[link.id] = nearest
            if is_tested(link, top):
                self.optional.add(link.id)
                nearest = link
