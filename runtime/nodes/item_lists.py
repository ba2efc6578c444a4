"""Item Lists: split out, aggregate, remove duplicates, sort, limit and summarize, before each had a node of its own."""

from typing import Any, ClassVar, Literal

from runtime.contract import (
    Activity,
    ActivityContext,
    Context,
    Dynamic,
    Item,
    Items,
    NodeError,
    Outputs,
    paired,
    param,
)
from runtime.nodes.aggregate import all_files, fields_as_lists, named, whole_items
from runtime.nodes.sort import DEFAULT_CODE
from runtime.nodes.split_out import split_item, split_names
from runtime.nodes.summarize import FIRST_FIELDS
from runtime.sandbox.sorting import sort_by_code
from runtime.values.javascript import js_string, truthy
from runtime.values.lists.duplicates import without_duplicates
from runtime.values.lists.fields import dots_hint, listed_names, reader, text_parts
from runtime.values.lists.fields import names as field_names
from runtime.values.lists.sorting import shuffled, sorted_by_fields
from runtime.values.lists.summarizing import Summary
from runtime.values.problem import ProblemError
from runtime.values.slices import limit_items
from runtime.values.written import as_written
from schemas.item import UNDEFINED

Fields = dict[str, Any]
_SPLIT = {"operation": ["splitOutItems"]}
_AGGREGATE = {"operation": ["aggregateItems", "concatenateItems"]}
_DEDUPLICATE = {"operation": ["removeDuplicates"]}
_OBJECTS, _LENIENT, _SCALARS, _NAMES_IN_TEXT, _NULLS_OF_ANY_TYPE = 2, 2.1, 2.2, 3, 3.1
"""First versions: objects are split too; a missing field is no error; anything is split; names are listed with commas;
nulls do not change the type of a field."""


OPERATIONS = (
    "splitOutItems", "aggregateItems", "concatenateItems", "removeDuplicates", "sort", "limit", "summarize",
)  # fmt: skip


class ItemLists(Activity):
    """Six operations; a local activity, since sorting may be an author's code."""

    type = "n8n-nodes-base.itemLists"
    versions = (1, 2, 2.1, 2.2, 3, 3.1)
    exact_values = True
    local: ClassVar[bool] = True

    operation: str = param("splitOutItems")
    field_to_split_out: Dynamic[str] = param("", required=True, show=_SPLIT)
    include: Dynamic[Literal["noOtherFields", "allOtherFields", "selectedOtherFields"]] = param(
        "noOtherFields", show=_SPLIT
    )
    include_whole: Dynamic[Literal["allFields", "specifiedFields", "allFieldsExcept"]] = param(
        "allFields", alias="include", show=_AGGREGATE
    )
    fields_to_include: Dynamic[Any] = param(None)
    fields_to_exclude: Dynamic[Any] = param(None)
    aggregate: Dynamic[Literal["aggregateIndividualFields", "aggregateAllItemData"]] = param(
        "aggregateIndividualFields", show=_AGGREGATE
    )
    fields_to_aggregate: Dynamic[Fields] = param(
        {"fieldToAggregate": [{"fieldToAggregate": "", "renameField": False}]}, show=_AGGREGATE
    )
    destination_field_name: Dynamic[str] = param("data", show=_AGGREGATE)
    compare: Dynamic[Literal["allFields", "allFieldsExcept", "selectedFields"]] = param("allFields", show=_DEDUPLICATE)
    fields_to_compare: Dynamic[Any] = param(None, show=_DEDUPLICATE)
    order: Dynamic[Literal["simple", "random", "code"]] = param("simple", alias="type", show={"operation": ["sort"]})
    sort_fields_ui: Dynamic[Fields] = param({}, show={"operation": ["sort"]})
    code: Dynamic[str] = param(DEFAULT_CODE, show={"operation": ["sort"]})
    max_items: Dynamic[float] = param(1, show={"operation": ["limit"]})
    keep: Dynamic[Literal["firstItems", "lastItems"]] = param("firstItems", show={"operation": ["limit"]})
    fields_to_summarize: Dynamic[Fields] = param(FIRST_FIELDS, show={"operation": ["summarize"]})
    fields_to_split_by: Dynamic[str] = param("", show={"operation": ["summarize"]})
    options: Dynamic[Fields] = param({})

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Run the operation. The parameters are those of the first item, but for splitting. An error ends the node,
        whatever onError says.
        """
        other_name = "concatenateItems" if context.version < _NAMES_IN_TEXT else "aggregateItems"
        if self.operation not in OPERATIONS or self.operation == other_name:
            recognised = f"Operation '{as_written(self.operation)}' is not recognized"
            raise NodeError(
                recognised if context.version < 3 else "Cannot read properties of undefined (reading 'execute')"
            )
        try:
            if self.operation == "splitOutItems":
                return [[each for i, item in enumerate(items) for each in self._split(context, i, item)]]
            p = context.resolve(self, 0)
            if self.operation == "sort":
                return [await _sorted(context, self, p, items)]
            if self.operation == "limit":
                return [limit_items(items, p.max_items, p.keep)]
            if self.operation == "removeDuplicates":
                return [_unique(context.version, p, items)]
            if self.operation == "summarize":
                return [_summary(context.version, p).items(items)]
            return [[_aggregated(context, self, p, items)]]
        except ProblemError as problem:
            raise NodeError(problem.message, description=problem.description) from problem

    def _split(self, context: Context, i: int, item: Item) -> Items:
        p = context.resolve(self, i)
        options = p.options or {}
        given_name = p.given("field_to_split_out")
        listed = js_string(given_name)
        if context.version >= _OBJECTS:
            text_parts(given_name)
        elif given_name in (None, UNDEFINED):
            raise ProblemError(f"Cannot read properties of {listed} (reading 'includes')")
        elif not isinstance(given_name, str | list):
            raise ProblemError("fieldToSplitOut.includes is not a function")
        fields = split_names(listed) if context.version >= _OBJECTS else [listed]
        _check_splitting(context.version, item, fields, dots=not options.get("disableDotNotation"))
        given = (
            p.fields_to_include if p.include == "selectedOtherFields" and context.version >= _NAMES_IN_TEXT else None
        )
        if isinstance(given, dict) and given and split_item(item, i, fields, "noOtherFields", [], {}):
            listed_names(given, "Fields To Include")  # n8n looks at them where there is something to split
        others = _included(p.fields_to_include) if p.include == "selectedOtherFields" else []
        outputs = split_item(item, i, fields, p.include, others, options)
        if context.version < _OBJECTS and p.include == "noOtherFields" and not options.get("destinationFieldName"):
            members = reader(dots=not options.get("disableDotNotation"))(item["json"], listed)
            for row, value in zip(outputs, members, strict=True):
                if value is None:  # spread as an object, which has no fields
                    row["json"] = {}
        if context.version < _OBJECTS and p.include == "selectedOtherFields":
            for row in outputs:
                row["json"] = {name: row["json"][name] for name in others if name in row["json"]} | row["json"]
        return outputs


def _included(listed: Any) -> list[str]:
    """Return the names of the fields to keep. Those of the fixed collection before version 3 may be empty, or of any type."""
    if isinstance(listed, dict):
        return [js_string(each.get("fieldName", UNDEFINED)) for each in listed.get("fields") or ()]
    return _names(listed)


def _names(listed: Any, title: str | None = None) -> list[str]:
    """Return field names from either shape: the fixed collection before version 3, the comma-separated text since.

    With the last word of the parameter's title, raise ProblemError for anything else.
    """
    if isinstance(listed, dict):
        listed = [each.get("fieldName") or "" for each in listed.get("fields") or ()]
    return field_names(listed) if title is None or listed is None else listed_names(listed, f"Fields To {title}")


def _check_splitting(version: float, item: Item, fields: list[str], *, dots: bool) -> None:
    if version >= _SCALARS:
        return
    read = reader(dots=dots)
    for field in fields:
        value = read(item["json"], field)
        if value is UNDEFINED:
            if version < _LENIENT:
                raise ProblemError(f"Couldn't find the field '{field}' in the input data", dots_hint(field, dots=dots))
        elif version < _OBJECTS and not isinstance(value, list):
            raise ProblemError(f"The provided field '{field}' is not an array")
        elif not isinstance(value, list | dict):
            raise ProblemError(f"The provided field '{field}' is not an array or object")


def _aggregated(context: Context, raw: ItemLists, p: ItemLists, items: Items) -> Item:
    options = p.options or {}
    used = list(range(len(items)))
    if p.aggregate == "aggregateIndividualFields":
        listed = (p.fields_to_aggregate or {}).get("fieldToAggregate") or []
        if context.version < _LENIENT:
            _check_aggregating(items, listed, options)
        fields = named(listed, raw.fields_to_aggregate)
        result: Item = {"json": fields_as_lists(items, fields, options, context.keeps_undefined)}
    elif p.aggregate != "aggregateAllItemData" and not str(raw.aggregate).startswith("="):
        raise NodeError('Could not get parameter "destinationFieldName"')
    else:
        included = _names(p.fields_to_include, "Include") if p.include_whole == "specifiedFields" else []
        dropped = _names(p.fields_to_exclude, "Exclude") if p.include_whole == "allFieldsExcept" else []
        parts = whole_items(items, included or None, dropped)
        used = [i for i, _ in parts]
        result = {"json": {js_string(p.destination_field_name): [json for _, json in parts]}}
    if context.version >= _OBJECTS or p.aggregate == "aggregateIndividualFields":
        result["pairedItem"] = [paired(i) for i in used]
    files = all_files([items[i] for i in used], unique=truthy(options.get("keepOnlyUnique")))
    if files and options.get("includeBinaries"):
        result["binary"] = files
    return result


def _check_aggregating(items: Items, listed: list[Fields], options: Fields) -> None:
    read = reader(dots=not options.get("disableDotNotation"))
    for each in listed:
        field = js_string(each.get("fieldToAggregate") or "")
        if not field:
            raise ProblemError("Field to aggregate is blank", "Please add a field to aggregate")
        missing = all(read(item["json"], field) is UNDEFINED for item in items)
        if missing and not options.get("keepMissing"):
            raise ProblemError(f"Couldn't find the field '{field}' in the input data")


def _unique(version: float, p: ItemLists, items: Items) -> Items:
    listed = p.fields_to_exclude if p.compare == "allFieldsExcept" else p.fields_to_compare
    if version < _NAMES_IN_TEXT:  # the text of a later version is no collection
        listed = [] if isinstance(listed, str) else _names(listed)
    elif listed is None:
        listed = ""
    nulls = version >= _NULLS_OF_ANY_TYPE
    return without_duplicates(items, p.compare, listed, p.options, nulls=nulls, missing_first=nulls)


async def _sorted(context: ActivityContext, raw: ItemLists, p: ItemLists, items: Items) -> Items:
    if p.order == "random":
        return shuffled(context.random, items)
    if p.order == "code" or (p.order != "simple" and str(raw.order).startswith("=")):  # whatever an expression gives
        return await sort_by_code(context, items, p.code)
    return sorted_by_fields(items, p.sort_fields_ui, p.options)


def _summary(version: float, p: ItemLists) -> Summary:
    return Summary.of(
        p.fields_to_summarize,
        p.fields_to_split_by,
        p.options,
        typed=False,
        lenient=version >= _LENIENT,
        numeric=version < _NAMES_IN_TEXT,
        keys_first=True,
    )
