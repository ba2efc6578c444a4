"""Expressions as the compiler leaves them and the runtime walks them: nothing is parsed at run time.

n8n's rule: a string that starts with `=` is an expression, the rest of it a template with JavaScript in `{{ }}`.
"""

from typing import Annotated, Any, Final, TypeAlias
from typing import Literal as Only

from pydantic import BaseModel, ConfigDict, Field

EXTENSION_NAMES: Final = frozenset(
    {
        "abs",
        "append",
        "average",
        "base64Decode",
        "base64Encode",
        "beginningOf",
        "ceil",
        "chunk",
        "compact",
        "diffTo",
        "diffToNow",
        "difference",
        "endOfMonth",
        "extract",
        "extractDomain",
        "extractEmail",
        "extractUrl",
        "extractUrlPath",
        "first",
        "floor",
        "format",
        "hasField",
        "hash",
        "intersection",
        "isBetween",
        "isDomain",
        "isDst",
        "isEmail",
        "isEmpty",
        "isEven",
        "isInLast",
        "isInteger",
        "isNotEmpty",
        "isNumeric",
        "isOdd",
        "isUrl",
        "isWeekend",
        "keepFieldsContaining",
        "keys",
        "last",
        "length",
        "max",
        "merge",
        "mergeIntoObject",
        "min",
        "minus",
        "parseJson",
        "pluck",
        "plus",
        "quote",
        "randomItem",
        "removeDuplicates",
        "removeField",
        "removeFieldsContaining",
        "removeMarkdown",
        "removeTags",
        "renameKeys",
        "replaceSpecialChars",
        "reverse",
        "round",
        "smartJoin",
        "sum",
        "toBoolean",
        "toDate",
        "toDateTime",
        "toDecimalNumber",
        "toFloat",
        "toInt",
        "toJsonString",
        "toNumber",
        "toSentenceCase",
        "toSnakeCase",
        "toTitleCase",
        "toWholeNumber",
        "union",
        "unique",
        "urlDecode",
        "urlEncode",
        "values",
    }
)
"""Methods that n8n adds to JavaScript's values: the compiler sends their calls to the dispatcher in `extensions.js`."""

FORBIDDEN_NAMES: Final = frozenset(
    {
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
        "__proto__",
        "_load",
        "arguments",
        "binding",
        "callee",
        "caller",
        "constructor",
        "defineProperties",
        "defineProperty",
        "getOwnPropertyDescriptor",
        "getOwnPropertyDescriptors",
        "getPrototypeOf",
        "mainModule",
        "prepareStackTrace",
        "prototype",
        "setPrototypeOf",
    }
)
"""Property names that no expression may read or write: the compiler refuses them where they are written, the runtime
where they are computed."""


class _Expression(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Literal(_Expression):
    """A constant, for instance `={{ 5 }}` or `=plain text`."""

    kind: Only["literal"] = "literal"
    value: Any


class Path(_Expression):
    """A walk through data: `$json.a.b[0]`, `$('Node').item.json.x`.

    `root` names where the walk starts (`$json`, `$binary`, `$input.item`, `$input.first`, `node.item`, `node.first`,
    `node.last`, `$node.json`, `$itemIndex`, `$runIndex`, `$workflow`, `$execution`, `$vars`, ...); `node` is the node
    named in `$('...')` or `$node["..."]`. `keys` are property names and array indexes. A missing one gives undefined.
    """

    kind: Only["path"] = "path"
    root: str
    node: str | None = None
    keys: tuple[str | int, ...] = ()


class Template(_Expression):
    """Text mixed with paths; each path is rendered as JavaScript's String() with null, undefined and NaN as ''."""

    kind: Only["template"] = "template"
    parts: tuple[str | Path, ...]


class Script(_Expression):
    """Everything else: JavaScript, already split, checked and rewritten at compile time, run on V8.

    `source` is the body of a JavaScript function, ready to run; `nodes` the names it may read through `$('...')`,
    `$node`, `$items` (None: computed at run time, so any); `variables` the `$...` names it reads; `linear` says that
    its cost is linear in its input, so that it may run inside workflow code.
    """

    kind: Only["script"] = "script"
    source: str
    nodes: tuple[str, ...] | None = ()
    variables: tuple[str, ...] = ()
    linear: bool = False
    pairs: bool = False
    """True when it may follow paired items (`.item`, `.pairedItem`, `.itemMatching`)."""
    ways: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """How each named node is read: `first`, `last`, `all`, `item`, `itemMatching`, `pairedItem`, `params`, `context`,
    `isExecuted`, `legacy` (`$node["X"]`), `parameter` (`$node["X"].parameter`), or `any`. Only what these need is handed to V8."""
    writes: bool = False
    """True when it may write into what it reads; it then gets copies, so that no other step sees the change."""
    quick: list[Any] | None = None
    """The same as a tree of operators over paths and constants, if it has that form: Python evaluates it, and V8 runs
    only when a value is not of the plain types for which both agree (`runtime.expressions.quick`)."""


class Invalid(_Expression):
    """An expression that n8n refuses whenever it is read: the message is n8n's."""

    kind: Only["invalid"] = "invalid"
    message: str
    description: str | None = None


Expression: TypeAlias = Annotated[Literal | Path | Template | Script | Invalid, Field(discriminator="kind")]


class Placed(_Expression):
    """An expression and the place in the step's parameters where its value goes (keys and indexes from the top)."""

    at: tuple[str | int, ...]
    expression: Expression
