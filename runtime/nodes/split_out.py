"""Split Out: the members of a list become items of their own."""

from typing import Any, Final, Literal

from runtime.contract import Context, Dynamic, Inline, Item, Items, NodeError, Outputs, param
from runtime.values.javascript import is_text, js_string, property_order
from runtime.values.lists.fields import listed_names, text_parts
from runtime.values.objects import safe_copy
from runtime.values.paths import get, has, plain_name, unset
from runtime.values.problem import ProblemError
from schemas.item import UNDEFINED

Json = dict[str, Any]
_FILES: Final = "$binary"


class SplitOut(Inline):
    """Lists give their elements, objects their values, anything else itself; where nothing is, the item goes."""

    type = "n8n-nodes-base.splitOut"
    versions = (1,)
    exact_values = True

    field_to_split_out: Dynamic[str] = param("", required=True, label="Fields To Split Out")
    include: Dynamic[Literal["noOtherFields", "allOtherFields", "selectedOtherFields"]] = param("noOtherFields")
    fields_to_include: Dynamic[str] = param("", show={"include": ["selectedOtherFields"]})
    options: Dynamic[Json] = param({})

    def run(self, context: Context, items: Items) -> Outputs:
        """Return as many items per item as the longest of the fields has members."""
        out: Items = []
        for i, item in enumerate(items):
            p = context.resolve(self, i)
            options = p.options or {}
            try:
                fields = _names(p.field_to_split_out, "Split Out")
                others = split_names(p.fields_to_include) if p.include == "selectedOtherFields" else []
                made = split_item(item, i, fields, p.include, others if any(others) else [], options)
                if made and p.include == "selectedOtherFields":
                    _names(p.fields_to_include, "Include")  # n8n looks at them where there is something to split
                out.extend(made)
            except ProblemError as problem:
                raise NodeError(problem.message, item=i) from problem
        return [out]


def _names(listed: Any, title: str) -> list[str]:
    if not (is_text(listed) or isinstance(listed, list)):
        listed_names(listed, f"Fields To {title}")
    return split_names(listed)


def split_names(listed: Any) -> list[str]:
    """Split a comma-separated list of field names; empty names stay, as in n8n."""
    return [plain_name(each.strip()) for each in js_string(listed).split(",")]


def split_item(item: Item, i: int, fields: list[str], include: str, others: list[str], options: Json) -> Items:
    """Return the items of one item.

    Raise NodeError when the destination fields do not fit the fields, or when no field to include is given.
    """
    dots = not options.get("disableDotNotation")
    named = options.get("destinationFieldName") or ""
    called = [each for each in text_parts(named, '(options.destinationFieldName || "")') if each]
    if called and len(called) != len(fields):
        raise NodeError(
            "If multiple fields to split out are given, the same number of destination fields must be given"
        )
    columns = [_members(item, field, dots=dots) for field in fields]
    if include == "selectedOtherFields" and not others and any(columns):
        raise NodeError("No fields specified", description="Please add a field to include")
    whole = include == "noOtherFields" and len(fields) == 1 and not called
    base = _base(item["json"], fields, include, dots=dots)
    after = {name: _read(item["json"], name, dots) for name in others if _exists(item["json"], name, dots)}
    outputs: Items = []
    for row in range(max(map(len, columns), default=0)):
        new: Item = {"json": dict(base), "pairedItem": {"item": i}}
        for index, (field, column) in enumerate(zip(fields, columns, strict=True)):
            if row < len(column):
                _place(new, field, called[index] if called else field, column[row], whole=whole)
        new["json"].update(after)
        if options.get("includeBinary") and "binary" in item and "binary" not in new:
            new["binary"] = item["binary"]
        outputs.append(new)
    return outputs


def _exists(json: Json, name: str, dots: bool) -> bool:
    return has(json, name) if dots else name in json


def _read(json: Json, name: str, dots: bool) -> Any:
    return get(json, name) if dots else json.get(name, UNDEFINED)


def _members(item: Item, field: str, *, dots: bool) -> list[Any]:
    if field == _FILES:
        return list(item.get("binary", {}).items())
    value = _read(item["json"], field, dots)
    if value is UNDEFINED:
        return []
    if isinstance(value, dict):
        return [value[key] for key in property_order(value)]
    return value if isinstance(value, list) else [value]


def _base(json: Json, fields: list[str], include: str, *, dots: bool) -> Json:
    if include != "allOtherFields":
        return {}
    base: Json = safe_copy(json)
    for field in fields:
        if dots:
            unset(base, field)
        else:
            base.pop(field, None)
    return base


def _place(new: Item, field: str, name: str, value: Any, *, whole: bool) -> None:
    if field == _FILES:
        key, file = value
        new["binary"] = {key if name == _FILES else name: file}
    elif whole and isinstance(value, dict):
        new["json"] = dict(value)
    elif whole and isinstance(value, list):
        new["json"] = {str(index): each for index, each in enumerate(value)}
    else:
        new["json"][name] = value
