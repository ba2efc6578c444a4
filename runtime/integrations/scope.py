"""What the values of a descriptor see: the parameters of one item, the item, earlier responses, and the credential."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, Self

from runtime.contract import Item, NodeError
from runtime.integrations.filters import snake_case
from runtime.integrations.parameters import Parameters
from runtime.values.patterns import first_group
from schemas.item import UNDEFINED, BinaryRef

__all__ = ["Scope"]


@dataclass(frozen=True)
class Scope:
    """The names of one input item's operation."""

    parameters: Parameters
    item: Item
    index: int
    """Of the input item."""
    version: float
    now: float
    """Milliseconds since the epoch."""
    timezone: str
    credential: Mapping[str, Any]
    tables: Mapping[str, Mapping[str, Any]]
    module: ModuleType | None
    patterns: Mapping[str, str]
    """See `Descriptor.patterns`."""
    declarative: bool = False
    """See `Names`."""
    of_program: bool = False
    """Whether values come from a program: they are data, but for strings that are a `Template`."""
    strict: bool = False
    """See `Names`: while a trigger is registered or polls, what n8n's code would fail on is no success here."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """See `Descriptor.titles`."""
    names: Mapping[str, Any] = field(default_factory=dict)
    """What holes read behind `$`: `response`, `each`, the names of steps, ..."""

    def having(self, **names: Any) -> Self:
        """Return the scope with further names."""
        return replace(self, names={**self.names, **names})

    def with_binary(self, name: str, ref: BinaryRef) -> Self:
        """Return the scope with a file that the item has not: a request can send it under the name."""
        item: Item = {"json": self.item.get("json", {}), "binary": {name: ref}}
        return replace(self, item=item)

    def root(self, name: str) -> Any:
        """See `Names`."""
        if not name.startswith("$"):
            return self.parameters.get(name, UNDEFINED)
        key = name[1:]
        if key in self.names:
            return self.names[key]
        own = {
            "item": self.item.get("json"), "itemIndex": self.index, "version": self.version, "now": self.now,
            "timezone": self.timezone, "credential": self.credential,
        }  # fmt: skip
        return own.get(key, UNDEFINED)

    def table(self, name: str) -> Mapping[str, Any]:
        """See `Names`."""
        return self.tables[name]

    def located(self, name: str, value: Any) -> Any:
        """See `Names`: of a locator by URL the first group of the parameter's pattern, as in n8n. Raise NodeError.

        A pattern under `name.mode` is of another mode.
        """
        if not isinstance(value, Mapping) or ("value" not in value and not value.get("__rl")):
            return value
        chosen = value.get("value", UNDEFINED)
        mode = value.get("mode")
        pattern = self.patterns.get(name if mode == "url" else f"{name}.{mode}")
        if pattern is None:
            return chosen
        found = first_group(pattern, chosen) if isinstance(chosen, str) else None
        if found is None:
            title, reason = self.titles.get(name) or _title(name), "This is likely because the URL entered is incorrect"
            if not isinstance(chosen, str):
                title, reason = "This", "Please enter a valid mode."
            raise NodeError(
                f"ERROR: {title} parameter's value is invalid. {reason}",
                description=f"Of {name}: paste the address as the browser shows it, or choose by ID.",
                item=self.index,
            )
        return found or chosen

    def function(self, name: str) -> Callable[..., Any]:
        """Return a function of the vendor's module."""
        found: Callable[..., Any] = getattr(self.module, name)
        return found


def _title(name: str) -> str:
    """Return the words of a parameter's name, as n8n shows most: `teamId` is Team."""
    words = snake_case(name.removesuffix("Id")).split("_")
    return " ".join(each[:1].upper() + each[1:] for each in words)
