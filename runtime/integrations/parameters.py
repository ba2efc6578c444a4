"""Parameters of a vendor's node as data: its facts (`parameters.json`) as declared fields, and their values for one item.

n8n's rules (observed): of a parameter that is declared several times the visible declaration counts; members of a
`collection` have no defaults, entries of a `fixedCollection` have; members that are not declared are dropped.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Self

from runtime.contract import NodeError, param
from runtime.values.javascript import truthy
from runtime.values.patterns import compile_pattern
from schemas.item import UNDEFINED, undefined_of
from schemas.node import Declared, Format, IsDynamic, Node, declarations, is_condition, visible

__all__ = ["Fact", "Parameters", "fields_of"]


_ALL, _LIMIT = "returnAll", "limit"
_VALUE: Final = Annotated[Any, IsDynamic()]


@dataclass(frozen=True)
class Fact:
    """One declaration of a parameter, or of a member of one."""

    name: str
    kind: str
    default: Any
    show: Mapping[str, list[Any]]
    hide: Mapping[str, list[Any]]
    required: bool
    many: bool
    options: tuple[str, ...]
    members: tuple[Self, ...]
    """Of a collection; of a fixed collection its groups, whose members are those of an entry."""
    resolvables: str | None = None
    """See `ParamInfo`: of a parameter in an editor for SQL or HTML."""
    label: str = ""
    """See `ParamInfo`."""
    formats: Mapping[str, Format] = field(default_factory=dict)
    """See `ParamInfo`: of a resource locator."""

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """Return the fact that an object of `parameters.json` describes."""
        return cls(
            data["name"], data["kind"], data.get("default"), _conditions(data.get("show", {})),
            _conditions(data.get("hide", {})),
            data.get("required", False), data.get("many", False), tuple(data.get("options", ())),
            tuple(cls.read(each) for each in data.get("members", ())), data.get("resolvables"), data.get("label", ""),
            {mode: _format(*each) for mode, each in data.get("formats", {}).items()},
        )  # fmt: skip


def _conditions(given: Mapping[str, list[Any]]) -> Mapping[str, list[Any]]:
    """Return display conditions with their patterns compiled. Raise BadPatternError."""
    return {name: [_condition(each) for each in values] for name, values in given.items()}


def _format(pattern: str, message: str) -> Format:
    return compile_pattern(f"^{pattern}$").test, message


def _condition(value: Any) -> Any:
    if not is_condition(value) or "regex" not in value["_cnd"]:
        return value
    return {"_cnd": {"regex": compile_pattern(value["_cnd"]["regex"]).test}}


def fields_of(facts: Sequence[Fact]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Fact]]:
    """Return the annotations and values of the fields of a node class, and the fact of each field."""
    annotations, values, found = dict[str, Any](), dict[str, Any](), dict[str, Fact]()
    for i, fact in enumerate(facts):
        wire = f"p{i}_{''.join(each if each.isalnum() else '_' for each in fact.name)}"
        annotations[wire] = _VALUE
        values[wire] = param(
            fact.default,
            alias=fact.name,
            show=fact.show,
            hide=fact.hide,
            required=_is_required(fact),
            resolvables=fact.resolvables,
            label=fact.label,
            formats=fact.formats,
        )
        found[wire] = fact
    return annotations, values, found


def _is_required(fact: Fact) -> bool:
    """Return whether n8n starts no run with the parameter empty: of lists and JSON it does."""
    return fact.required and not fact.many and fact.kind != "json" and (fact.kind, fact.default) != ("options", [])


class Parameters(Mapping[str, Any]):
    """The parameters of a node by wire name, as they are for one item. Reading one whose expression failed raises NodeError."""

    def __init__(self, node: Node, facts: Mapping[str, Fact], version: float, written: Node | None = None) -> None:
        """Make the parameters of a node as they are for one item; `written`: the node with its expressions, which conditions see."""
        self._node, self._facts, self._version = node, facts, version
        self._written = _Written(self, written or node, facts)
        self._names: dict[str, list[Declared]] = {}
        for declared in declarations(type(node)).values():
            if declared.name in facts:
                self._names.setdefault(declared.alias, []).append(declared)
        self._values: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """Return the value of the visible declaration of this name. Raise KeyError when none is visible."""
        if name not in self._values:
            self._values[name] = UNDEFINED  # conditions that refer to one another end here
            self._values[name] = self._read(name)
        value = self._values[name]
        if value is UNDEFINED:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the visible parameters."""
        return (name for name in self._names if name in self)

    def __len__(self) -> int:
        """Return how many are visible."""
        return sum(1 for _ in self)

    def fact(self, name: str) -> Fact | None:
        """Return the visible declaration of a name."""
        declared = self._visible(name)
        return self._facts[declared.name] if declared else None

    def flag(self, name: str, default: bool) -> bool:
        """Return whether a parameter is true in JavaScript: `default` where none of this name is shown."""
        return default if self.fact(name) is None else truthy(self.get(name))

    def declared(self, name: str) -> Sequence[Declared]:
        """Return all declarations of a name, shown or not."""
        return self._names.get(name, ())

    @property
    def written(self) -> Mapping[str, Any]:
        """The parameters as display conditions see them: an expression as it is written, which shows and hides nothing."""
        return self._written

    def _visible(self, name: str) -> Declared | None:
        shown = (each for each in self.declared(name) if each.visible(self._written, self._version))
        return next(shown, None)

    def _read(self, name: str) -> Any:
        declared = self._visible(name)
        if declared is None:
            if name == _LIMIT and self._needs_limit():
                raise NodeError(f'Could not get parameter "{name}"')
            return UNDEFINED
        value = getattr(self._node, declared.name)
        if value is None and self._node.is_undefined(declared.name):
            return UNDEFINED
        return self._complete(value, self._facts[declared.name], self._written.raw(declared.name))

    def _needs_limit(self) -> bool:
        """Return whether the limit is hidden by a `returnAll` that is false in JavaScript, but not `false`: n8n reads it all the same."""
        descriptor = getattr(self._node, "descriptor", None)
        if descriptor is not None and descriptor.declarative:
            return False
        if self._written.get(_ALL) is False or _ALL not in self or truthy(self[_ALL]):
            return False
        beside = {**self._written, _ALL: False}
        return any(each.visible(beside, self._version) for each in self.declared(_LIMIT))

    def _complete(self, value: Any, fact: Fact, raw: Any) -> Any:
        """Return a value without undeclared members, and with the defaults of the entries of fixed collections.

        `raw`: what is written there, expressions included.
        """
        if not fact.members or not isinstance(value, Mapping):
            return value
        if fact.kind == "fixedCollection":
            groups = {group.name: group for group in fact.members}
            return {
                name: self._entries(each, groups[name], _member(raw, name), many=fact.many)
                for name, each in value.items()
                if name in groups
            }
        if fact.many:
            return value
        return self._members(value, fact.members, raw, defaults=False)

    def _entries(self, value: Any, group: Fact, raw: Any, *, many: bool) -> Any:
        if isinstance(value, list) and not many:  # n8n takes an entry that it finds nothing in
            return self._members({}, group.members, None, defaults=True)
        if isinstance(value, list):
            return [
                self._members(each, group.members, _member(raw, i), defaults=True)
                for i, each in enumerate(value)
                if isinstance(each, Mapping)
            ]
        return self._members(value, group.members, raw, defaults=True) if isinstance(value, Mapping) else value

    def _members(
        self, value: Mapping[str, Any], members: Sequence[Fact], raw: Any, *, defaults: bool
    ) -> dict[str, Any]:
        beside = _Beside(value, members, self, self._version, raw, defaults=defaults)
        made = {name: each for name, each in value.items() if not members}
        for name in dict.fromkeys(each.name for each in members):  # in n8n's order, which the parts of a form show
            declared = beside.declared(name)
            if declared is None:
                continue
            if name in value:
                made[name] = self._complete(value[name], declared, _member(raw, name))
            elif defaults and name not in undefined_of(value):
                made[name] = self._complete(_plain(declared.default), declared, None)
        return made


def _plain(default: Any) -> Any:
    """Return a default; one that is an expression without a hole is its text."""
    is_text = isinstance(default, str) and default.startswith("=") and "{{" not in default
    return default[1:] if is_text else default


def _member(raw: Any, key: str | int) -> Any:
    """Return what is written at a member or a place; None where an expression stands for the whole."""
    if isinstance(raw, Mapping):
        return raw.get(str(key))
    return raw[key] if isinstance(raw, list) and isinstance(key, int) and key < len(raw) else None


class _Written(Mapping[str, Any]):
    """What display conditions see of the parameters."""

    def __init__(self, parameters: Parameters, node: Node, facts: Mapping[str, Fact]) -> None:
        self._parameters, self._node, self._facts = parameters, node, facts

    def raw(self, field: str) -> Any:
        """Return what is written in a field of the node, expressions included."""
        return vars(self._node).get(field)

    def __getitem__(self, name: str) -> Any:
        for each in self._parameters.declared(name):
            value = vars(self._node).get(each.name)
            text = value.get("value") if isinstance(value, Mapping) and value.get("__rl") else value
            if isinstance(text, str) and text.startswith("="):
                return value
        return self._parameters[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __len__(self) -> int:
        return len(self._parameters)


class _Beside(Mapping[str, Any]):
    """What the display conditions of a member see: its siblings, in an entry with their defaults.

    The node's parameters they see behind `/` alone: a member that asks for another without it is never shown, as in n8n.
    """

    def __init__(
        self,
        given: Mapping[str, Any],
        members: Sequence[Fact],
        parameters: Parameters,
        version: float,
        raw: Any,
        *,
        defaults: bool,
    ) -> None:
        self._raw = raw
        self._given, self._members, self._parameters, self._version = given, members, parameters, version
        self._defaults = defaults

    def declared(self, name: str) -> Fact | None:
        """Return the declaration of a member that is shown."""
        return next((each for each in self._members if each.name == name and self._is_shown(each)), None)

    def _is_shown(self, fact: Fact) -> bool:
        own, above = _split(fact.show)
        hides, hides_above = _split(fact.hide)
        return visible(own, hides, self, self._version) and visible(
            above, hides_above, self._parameters.written, self._version
        )

    def __getitem__(self, name: str) -> Any:
        if name in self._given:
            written = _member(self._raw, name)
            return written if isinstance(written, str) and written.startswith("=") else self._given[name]
        for each in self._members:
            if each.name == name:
                return each.default if self._defaults else None
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)


def _split(conditions: Mapping[str, list[Any]]) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """Return the conditions on siblings, and those on the node's parameters (n8n's leading slash)."""
    own = {name: each for name, each in conditions.items() if not name.startswith("/")}
    return own, {name: each for name, each in conditions.items() if name.startswith("/")}
