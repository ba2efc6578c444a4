"""What happens to equal keys when items become one: n8n's clash handling."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.contract import Item
from runtime.values.objects import members
from schemas.item import UNDEFINED


@dataclass(frozen=True)
class Clash:
    """How to resolve: `resolve` is addSuffix, preferLast or preferInputN; `deep` merges objects; with `keep_filled` a
    blank value (null, undefined, '') does not replace a filled one.
    """

    resolve: str = "preferLast"
    deep: bool = True
    keep_filled: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any], default: str = "preferLast") -> "Clash":
        """Read the node's options."""
        values = (options.get("clashHandling") or {}).get("values") or {}
        return cls(
            values.get("resolveClash") or default,
            values.get("mergeMode", "deepMerge") == "deepMerge",
            bool(values.get("overrideEmpty")),
        )

    def preferred(self, count: int) -> int:
        """Return the index of the input whose values win."""
        number = self.resolve.removeprefix("preferInput")
        return int(number) - 1 if number.isdecimal() and int(number) <= count else count - 1


def combine(items: Sequence[Item], clash: Clash, *, again: bool = False) -> Item:
    """Merge one item per input into one item. Its pairing names them all in the order in which they were merged: the
    one whose values win comes last (`again`: also in its own place, as in n8n's merge by position).
    """
    ordered = [*items, items[clash.preferred(len(items))]] if again else _ordered(items, clash)
    paired: list[Any] = []
    for item in items if clash.resolve == "addSuffix" and not again else ordered:
        pairing = item.get("pairedItem")
        paired += pairing if isinstance(pairing, list) else [] if pairing is None else [pairing]
    if clash.resolve == "addSuffix":
        merged: Item = {"json": {}}
        for i, item in enumerate(items):
            merged["json"].update(_copied(suffixed(members(item["json"]), i)))
        if again:
            merged["json"].update(members(ordered[-1]["json"]))
    else:
        merged = {"json": _merged([members(item["json"]) for item in ordered], clash, own=again)}
    files: dict[str, Any] = {}
    for item in ordered:
        files.update(item.get("binary") or {})
    merged["binary"] = files  # also when there is none: n8n's merged item has an empty object
    merged["pairedItem"] = paired
    return merged


def suffixed(json: Mapping[str, Any], i: int) -> dict[str, Any]:
    """Return the fields with the number of their input appended to every key."""
    return {f"{key}_{i + 1}": value for key, value in json.items()}


def _ordered(items: Sequence[Item], clash: Clash) -> list[Item]:
    """Return the items with the one whose values win at the end."""
    at = clash.preferred(len(items))
    return [item for i, item in enumerate(items) if i != at] + [items[at]]


def _merged(parts: Sequence[Mapping[str, Any]], clash: Clash, *, own: bool) -> dict[str, Any]:
    """Return a new object. But where blank values must not win, n8n copies the first one's own keys only and merges
    into what lies deeper, so that a later read of that input's node sees the merged values, too. So do we.
    """
    result = dict(parts[0]) if not clash.deep or (clash.keep_filled and not own) else _copied(dict(parts[0]))
    for part in parts[1:]:
        _into(result, part, clash)
    return result


def _into(target: dict[str, Any], part: Mapping[str, Any], clash: Clash) -> None:
    for key, value in part.items():
        if clash.deep and ((value is UNDEFINED and key in target) or _is_prototype(key, value)):
            continue
        if not (clash.keep_filled and key in target and _blank(value)):
            target[key] = _deep(target.get(key, UNDEFINED), value, clash) if clash.deep else value


def _copied(value: Any) -> Any:
    """Return a copy of a value and of what lies inside."""
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items() if not _is_prototype(key, each)}
    return [_copied(each) for each in value] if isinstance(value, list) else value


def _is_prototype(key: str, value: Any) -> bool:
    """Return whether a member is a prototype to lodash, which its merge passes over."""
    return key == "__proto__" and isinstance(value, dict | list)


def _blank(value: Any) -> bool:
    return value is None or value is UNDEFINED or value == ""


def _deep(old: Any, new: Any, clash: Clash) -> Any:
    """Merge as lodash's merge: objects by key, arrays by index, everything else replaced, by undefined nothing."""
    if new is UNDEFINED:
        return old
    if isinstance(new, dict):
        if isinstance(old, list):
            return old  # the members become properties of the array, which JSON does not show
        if not isinstance(old, dict):
            return _copied(new)
        _into(old, new, clash)
        return old
    if isinstance(new, list):
        if not isinstance(old, list):
            return _copied(new)
        for i, each in enumerate(new):
            before = old[i] if i < len(old) else UNDEFINED
            keeps_old = clash.keep_filled and before is not UNDEFINED and _blank(each)
            merged = before if keeps_old else _deep(before, each, clash)
            if i < len(old):
                old[i] = merged
            else:
                old.append(merged)
        return old
    return new
