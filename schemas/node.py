"""The contract of a node type: its parameters are its fields, its base class (in `runtime.contract.node`) says where it runs.

n8n omits a parameter that has its default and drops one that is hidden; so defaults per typeVersion and display
conditions are part of each field's declaration (`param`).
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Annotated, Any, ClassVar, Final, Protocol, Self, TypeAlias, TypeVar, get_origin

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from schemas.diagnostic import Diagnostic, Location
from schemas.facts import Facts
from schemas.item import UNDEFINED
from schemas.plan import Kind
from schemas.specialist import Specialist

T = TypeVar("T")


class IsDynamic:
    """Marks a parameter that may hold an expression."""


Dynamic: TypeAlias = Annotated[T, IsDynamic()]
"""A literal or an expression. `check` sees it as written; `run` reads it per item through `context.resolve(self, i)`."""

Conditions: TypeAlias = Mapping[str, list[Any]]
"""n8n's display conditions: parameter (or `@version`) -> the values that match; a value may be `{"_cnd": {"gte": 2}}`. The
operand of `regex` is a function that says whether a text matches, since patterns are matched in the runtime."""


Format = tuple[Callable[[str], bool], str]
"""What a text must look like: a function that says whether it does, and n8n's message where it does not."""


@dataclass(frozen=True)
class ParamInfo:
    """What pydantic's Field does not know about an n8n parameter."""

    show: Conditions = field(default_factory=dict)
    hide: Conditions = field(default_factory=dict)
    since: Mapping[float, Any] = field(default_factory=dict)
    """Defaults that changed: first typeVersion -> default from there on."""
    required: bool = False
    resolvables: str | Mapping[str, str] | None = None
    """'text' or 'json': `{{ }}` in the value is evaluated even without a leading `=` (SQL, HTML, raw JSON editors). Of a collection:
    member -> 'parts': its text gives its values one by one. What has `{{ }}` in it, other than one expression alone, becomes
    `{"$parts": ["text", [value], ...]}`, in order, with `[]` for undefined.
    """
    secret: bool = False
    code: str | None = None
    """'javascript' or 'python': the value is a program, not an expression."""
    unsupported: Mapping[str, str] = field(default_factory=dict)
    """Choices of n8n's that this build cannot run -> what to do instead."""
    fill: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Defaults inside the value: path (`values[]` for the entries of a list, '' for a given value itself) -> defaults."""
    whole: bool = False
    """An object that an expression may give as a whole: a filter, assignments, a mapping. Of a collection n8n reads none."""
    label: str = ""
    """What n8n's editor calls it, where these are not the words of its name: its issues say so."""
    formats: Mapping[str, Format] = field(default_factory=dict)
    """Of a resource locator: mode -> what its value must look like."""


FILTER: Final[Mapping[str, Any]] = {
    "combinator": "and",
    "options": {"caseSensitive": True, "leftValue": "", "typeValidation": "strict", "version": 1},
}
"""What n8n fills into a parameter of kind `filter` that is given, whatever the node's version (observed)."""


def param(  # noqa: PLR0913 - one argument per fact of a parameter, all by name
    default: Any = None,
    *,
    alias: str | None = None,
    show: Conditions | None = None,
    hide: Conditions | None = None,
    since: Mapping[float, Any] | None = None,
    required: bool = False,
    resolvables: str | Mapping[str, str] | None = None,
    secret: bool = False,
    code: str | None = None,
    unsupported: Mapping[str, str] | None = None,
    fill: Mapping[str, Mapping[str, Any]] | None = None,
    whole: bool = False,
    label: str = "",
    formats: Mapping[str, Format] | None = None,
) -> Any:
    """Declare a parameter. The wire name is the field's name in camelCase unless `alias` says otherwise.

    A parameter that n8n declares several times (other default or meaning per mode or version) is several fields with
    one alias, told apart by `show`.
    """
    info = ParamInfo(
        show or {}, hide or {}, since or {}, required, resolvables, secret, code, unsupported or {}, fill or {}, whole, label,
        formats or {},
    )  # fmt: skip
    factory: Callable[[], Any] | None = (lambda: _copy(default)) if isinstance(default, dict | list) else None
    extra: dict[str, Any] = {"alias": alias} if alias else {}
    declared: FieldInfo = Field(default_factory=factory, **extra) if factory else Field(default=default, **extra)
    declared.metadata.append(info)
    return declared


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(each) for key, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value


class Node(Facts):
    """A node type. Subclass `Inline`, `Activity`, `Durable`, `Trigger` or `SubNode` (`runtime.contract.node`), never this."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="allow",
        arbitrary_types_allowed=True,
        defer_build=True,  # nodes are bound, never validated by pydantic: most of the cost of loading one
    )

    type: ClassVar[str]
    versions: ClassVar[tuple[float, ...]]
    when: ClassVar[Conditions] = {}
    """For which parameters the class stands, where a type is several things (a vector store is a root, a sub-node or a
    tool by its `mode`): parameter -> the values. Empty: for all. The shapes of one version must not overlap."""
    when_connected: ClassVar[str | None] = None
    """A port: the class stands for nodes to which an enabled sub-node is connected there, before those of the type that name none."""
    kind: ClassVar[Kind]
    input_count: ClassVar[int] = 1
    differs: ClassVar[str | None] = None
    """A sentence that says how this node type differs from n8n's; None: exact."""
    unsupported: ClassVar[str | None] = None
    """What to do instead of a node type that n8n has and this build declares but cannot run; None: it runs."""
    usable_as_tool: ClassVar[bool] = False
    """Whether n8n offers the node as a tool of an agent too, under its type with `Tool` behind it."""
    exact_values: ClassVar[bool] = False
    """Whether it reads values that JSON does not know: members of items that are UNDEFINED, invalid dates among its parameters.
    Other classes find no such member, and null in the place of such a date."""
    takes_specialist: ClassVar[bool] = False
    """Whether `agent: <slug>` in the node's notes hands its work to a specialist."""

    def outputs(self, version: float) -> int:
        """Regular main outputs under these parameters (Switch: one per rule), the error output not counted."""
        del version
        return 1

    def unsupported_ports(self, version: float) -> Mapping[str, str]:
        """Return the ports for sub-nodes that n8n's node has under these parameters and this one has not, each with what
        to do instead.
        """
        del version
        return {}

    def required_inputs(self, version: float) -> int | tuple[int, ...] | None:
        """n8n's requiredInputs for nodes with several inputs."""
        del version
        return None

    def check(self, at: Location, version: float) -> Iterator[Diagnostic]:
        """Compile-time rule of this node: sees parameters as written, expressions included."""
        del at, version
        yield from ()

    def __getattr__(self, name: str) -> Any:
        """Reading a parameter whose expression failed raises its error, as n8n's getNodeParameter does."""
        failed = self.__dict__.get("_failed")
        if failed and name in failed:
            raise failed[name]
        raise AttributeError(name)

    def is_undefined(self, name: str) -> bool:
        """Whether this field is None because its expression gave `undefined`, not null."""
        return name in self.__dict__.get("_undefined", ())

    def given(self, name: str) -> Any:
        """Return the value of a field as its expression gave it: UNDEFINED where that is `undefined`."""
        return UNDEFINED if self.is_undefined(name) else getattr(self, name)

    @classmethod
    def bind(cls, parameters: Mapping[str, Any], version: float) -> Self:
        """An instance over effective parameters (wire names), without validation: the compiler has done that.

        Of several fields with one wire name, the one that is shown gets the value. An absent one has its default.
        """
        values: dict[str, Any] = {}
        for name, declared in declarations(cls).items():
            if declared.alias in parameters and declared.visible(parameters, version):
                values[name] = parameters[declared.alias]
            else:
                values[name] = declared.default(version)
        if cls.__private_attributes__:
            bound = cls.model_construct()
            vars(bound).update(values)
            return bound  # type: ignore[return-value]  # our __getattr__ hides what the plugin knows
        return _made(cls, values)


N = TypeVar("N", bound=Node)


def _made(cls: type[N], values: dict[str, Any]) -> N:
    """What `model_construct` makes, without looking for defaults that are all known: runs and compilations bind often."""
    bound = cls.__new__(cls)
    object.__setattr__(bound, "__dict__", values)
    object.__setattr__(bound, "__pydantic_fields_set__", set())
    object.__setattr__(bound, "__pydantic_extra__", {})
    object.__setattr__(bound, "__pydantic_private__", None)
    return bound


@dataclass(frozen=True)
class Declared:
    """One declared parameter of a node class."""

    name: str
    alias: str
    field: FieldInfo
    info: ParamInfo

    @property
    def dynamic(self) -> bool:
        """True when n8n lets the author put an expression here."""
        return any(isinstance(each, IsDynamic) for each in self.field.metadata)

    @cached_property
    def collection(self) -> bool:
        """Whether it is one of n8n's collections: an object whose members are parameters."""
        type_ = self.field.annotation  # a TypedDict, of whichever module, has required keys
        return (get_origin(type_) is dict or hasattr(type_, "__required_keys__")) and not self.info.whole

    def default(self, version: float) -> Any:
        """The default that holds for a typeVersion."""
        if self.info.since:
            start = max((first for first in self.info.since if first <= version), default=None)
            if start is not None:
                return _copy(self.info.since[start])
        factory = self.field.default_factory
        return factory() if factory is not None else self.field.default  # type: ignore[call-arg]  # ours take nothing

    def visible(self, parameters: Mapping[str, Any], version: float) -> bool:
        """Whether the editor would show it: n8n's displayOptions over the other (effective) parameters."""
        if not self.info.show and not self.info.hide:
            return True
        return visible(self.info.show, self.info.hide, parameters, version)


@cache
def declarations(node: type[Node]) -> dict[str, Declared]:
    """The parameters of a node class by field name, in declaration order."""
    found: dict[str, Declared] = {}
    for name, declared in node.model_fields.items():
        info = next((each for each in declared.metadata if isinstance(each, ParamInfo)), ParamInfo())
        found[name] = Declared(name, declared.alias or to_camel(name), declared, info)
    return found


def visible(show: Conditions, hide: Conditions, parameters: Mapping[str, Any], version: float) -> bool:
    """n8n: every name of `show` must match one of its values, any match of `hide` hides.

    The first expression among those of `show` shows it, whatever stands behind it; one among those of `hide` hides nothing.
    """

    def value_of(name: str) -> Any:
        if name == "@version":
            return version
        value: Any = parameters
        for key in name.removeprefix("/").split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        return (
            value.get("value") if isinstance(value, Mapping) and value.get("__rl") else value
        )  # of a resource locator

    def is_expression(name: str) -> bool:
        value = value_of(name)
        return isinstance(value, str) and value.startswith("=")

    def matches(name: str, wanted: list[Any]) -> bool:
        value = value_of(name)
        actual = value if isinstance(value, list) else [value]
        return any(meets(each, want) for each in actual for want in wanted)

    for name, wanted in show.items():
        if is_expression(name):
            return True
        if not matches(name, wanted):
            return False
    return not any(matches(name, wanted) for name, wanted in hide.items() if not is_expression(name))


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, want: bool(value == want),
    "not": lambda value, want: bool(value != want),
    "gte": lambda value, want: bool(value >= want),
    "lte": lambda value, want: bool(value <= want),
    "gt": lambda value, want: bool(value > want),
    "lt": lambda value, want: bool(value < want),
    "between": lambda value, want: bool(want["from"] <= value <= want["to"]),
    "includes": lambda value, want: want in (value or ()),
    "startsWith": lambda value, want: str(value or "").startswith(want),
    "endsWith": lambda value, want: str(value or "").endswith(want),
    "regex": lambda value, test: bool(test(str(value))),  # the declaration has compiled the pattern
    "exists": lambda value, _want: value not in (None, ""),
}


def is_condition(want: Any) -> bool:
    """Return whether a value of display conditions is a comparison (`{"_cnd": {"gte": 2}}`)."""
    return isinstance(want, dict) and "_cnd" in want


def meets(value: Any, want: Any) -> bool:
    """Return whether a value is what display conditions want. True and 1 differ, as in JSON."""
    if is_condition(want):
        ((name, operand),) = want["_cnd"].items()
        return (value is not None or name in ("not", "exists", "eq")) and _COMPARE[name](value, operand)
    return bool(value == want) and isinstance(value, bool) == isinstance(want, bool)


class Catalog(Protocol):
    """Node types by name, version and parameters. The compiler and the runtime get it as an argument."""

    def find(
        self, type_: str, version: float, parameters: Mapping[str, Any], ports: Collection[str] = ()
    ) -> type[Node] | None:
        """Return the class that stands for this type, version, parameters (as written) and ports with a sub-node, or None."""

    def versions(self, type_: str) -> tuple[float, ...]:
        """All supported versions of a type, ascending; empty if the type is unknown."""

    def default_version(self, type_: str) -> float:
        """The version of a node that names none."""

    def shapes(self, type_: str) -> tuple[type[Node], ...]:
        """All classes of a type; empty if the type is unknown."""

    def types(self) -> tuple[str, ...]:
        """All node types, sorted."""

    def specialists(self) -> tuple[str, ...]:
        """Slugs of the specialist agents, sorted."""

    def specialist(self, slug: str) -> Specialist | None:
        """Return the specialist agent of this slug; None when there is none."""
