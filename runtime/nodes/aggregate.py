"""Aggregate: all items become one, as lists of values or as one list of whole items."""

from collections.abc import Callable
from typing import Any, Literal

from runtime.contract import BinaryRef, Context, Dynamic, Inline, Item, Items, NodeError, Outputs, paired, param
from runtime.values.javascript import js_string, truthy
from runtime.values.lists.fields import listed_names
from runtime.values.objects import members
from runtime.values.paths import get, set_path
from runtime.values.problem import ProblemError
from schemas.item import UNDEFINED

Fields = dict[str, Any]


class Aggregate(Inline):
    """One item out, paired with every item that gave something to it."""

    type = "n8n-nodes-base.aggregate"
    versions = (1,)
    exact_values = True

    aggregate: Dynamic[Literal["aggregateIndividualFields", "aggregateAllItemData"]] = param(
        "aggregateIndividualFields"
    )
    fields_to_aggregate: Dynamic[Fields] = param(
        {"fieldToAggregate": [{"fieldToAggregate": "", "renameField": False}]},
        show={"aggregate": ["aggregateIndividualFields"]},
    )
    destination_field_name: Dynamic[str] = param("data", show={"aggregate": ["aggregateAllItemData"]})
    include: Dynamic[Literal["allFields", "specifiedFields", "allFieldsExcept"]] = param(
        "allFields", show={"aggregate": ["aggregateAllItemData"]}
    )
    fields_to_exclude: Dynamic[str] = param(
        "", show={"aggregate": ["aggregateAllItemData"], "include": ["allFieldsExcept"]}
    )
    fields_to_include: Dynamic[str] = param(
        "", show={"aggregate": ["aggregateAllItemData"], "include": ["specifiedFields"]}
    )
    options: Dynamic[Fields] = param({})

    def run(self, context: Context, items: Items) -> Outputs:
        """Return the one item. The parameters are those of the first item."""
        p = context.resolve(self, 0)
        options = p.options or {}
        if p.aggregate == "aggregateIndividualFields":
            listed = (p.fields_to_aggregate or {}).get("fieldToAggregate") or []
            if not listed:
                raise NodeError("No fields specified", description="Please add a field to aggregate")
            output, used = (
                {
                    "json": fields_as_lists(
                        items, named(listed, self.fields_to_aggregate), options, context.keeps_undefined
                    )
                },
                list(range(len(items))),
            )
        elif p.aggregate != "aggregateAllItemData" and not str(self.aggregate).startswith("="):
            raise NodeError('Could not get parameter "destinationFieldName"')
        else:
            # what is hidden is empty; where an expression stands for the choice, both lists are shown and count
            included = _names(p, "fields_to_include", "Include") if p.fields_to_include != "" else []
            dropped = _names(p, "fields_to_exclude", "Exclude") if p.fields_to_exclude != "" else []
            parts = whole_items(items, included or None, dropped)
            used = [i for i, _ in parts]
            output = {"json": {js_string(p.given("destination_field_name")): [json for _, json in parts]}}
        result: Item = {"json": output["json"], "pairedItem": [paired(i) for i in used]}
        if options.get("includeBinaries"):
            files = all_files([items[i] for i in used], unique=truthy(options.get("keepOnlyUnique")))
            if files:
                result["binary"] = files
        return [[result]]


def _names(p: Aggregate, name: str, title: str) -> list[str]:
    try:
        return listed_names(getattr(p, name), f"Fields To {title}")
    except ProblemError as problem:
        raise NodeError(problem.message) from problem


def named(listed: list[Fields], raw: Any) -> list[Fields]:
    """Return the fields, without the names that n8n hides: one is shown where renaming is chosen, or an expression stands for it."""
    written = raw.get("fieldToAggregate") if isinstance(raw, dict) else None
    if not isinstance(written, list) or len(written) != len(listed):
        return listed
    return [
        each if _is_renamed(field.get("renameField")) else {**each, "outputFieldName": None}
        for each, field in zip(listed, written, strict=True)
    ]


def _is_renamed(written: Any) -> bool:
    return written is True or (isinstance(written, str) and written.startswith("="))


def fields_as_lists(
    items: Items, listed: list[Fields], options: Fields, keep_undefined: Callable[[], bool]
) -> dict[str, Any]:
    """Return one list per field. `keep_undefined`: whether what is missing may be UNDEFINED in a list.

    Raise NodeError when two fields would get one name.
    """
    dots = not options.get("disableDotNotation")
    gathered: dict[str, list[Any]] = {}
    for each in listed:
        field = each.get("fieldToAggregate", "")
        if field == "":
            continue
        called = each.get("outputFieldName")
        name = js_string(called) if called else _last_part(field) if dots else js_string(field)
        if name in gathered:
            raise NodeError(
                f"The '{name}' output field is used more than once",
                description="Please make sure each output field name is unique",
            )
        gathered[name] = _values(items, field, options, keep_undefined, dots=dots)
    json: dict[str, Any] = {}
    for name, values in gathered.items():
        if dots:
            set_path(json, name, values)
        else:
            json[name] = values
    return json


def _last_part(field: Any) -> str:
    """Return the last part of a path. Raise NodeError for what has no `includes`, of which a list has one, too."""
    if field in (None, UNDEFINED):
        raise NodeError(f"Cannot read properties of {js_string(field)} (reading 'includes')")
    if not isinstance(field, str | list):
        raise NodeError("fieldToAggregate.includes is not a function")
    return field.rsplit(".", 1)[-1] if isinstance(field, str) else js_string(field)


def _read(json: Any, field: Any, *, dots: bool) -> Any:
    """Return the value at a path, which may be a list of keys, or of the key of that very name."""
    if dots and not isinstance(field, list):
        return get(json, js_string(field))
    value = json
    for key in field if dots else [field]:
        value = members(value).get(js_string(key), UNDEFINED)
    return value


def _values(items: Items, field: Any, options: Fields, keep_undefined: Callable[[], bool], *, dots: bool) -> list[Any]:
    missing, merge = truthy(options.get("keepMissing")), truthy(options.get("mergeLists"))
    values: list[Any] = []
    for item in items:
        value = _read(item["json"], field, dots=dots)
        if value is None or value is UNDEFINED:
            if missing:
                values.append(UNDEFINED if value is UNDEFINED and keep_undefined() else None)
            continue
        if isinstance(value, list) and not missing:
            value = [each for each in value if each is not None and each is not UNDEFINED]
        values.extend(value if merge and isinstance(value, list) else [value])
    return values


def whole_items(items: Items, included: list[str] | None, dropped: list[str]) -> list[tuple[int, dict[str, Any]]]:
    """Return index and json of every item, cut down to some top-level fields; an item of which nothing is left is
    dropped.
    """
    if included is None and not dropped:
        return [(i, item["json"]) for i, item in enumerate(items)]
    parts: list[tuple[int, dict[str, Any]]] = []
    for i, item in enumerate(items):
        json = item["json"]
        chosen = [key for key in json if key not in dropped and (included is None or key in included)]
        if chosen:
            parts.append((i, {key: json[key] for key in chosen}))
    return parts


def all_files(items: Items, *, unique: bool) -> dict[str, BinaryRef]:
    """Return the files of all items; of two with one name the second gets a number, and copies are dropped when
    `unique`.
    """
    files: dict[str, BinaryRef] = {}
    for item in items:
        for name, file in item.get("binary", {}).items():
            if unique and any(_same_file(file, other) for other in files.values()):
                continue
            called, count = name, 0
            while called in files:
                count += 1
                called = f"{name}_{count}"
            files[called] = file
    return files


def _same_file(one: BinaryRef, other: BinaryRef) -> bool:
    return all(one.get(key) == other.get(key) for key in ("mimeType", "fileType", "fileSize", "fileExtension"))
