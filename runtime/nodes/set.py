"""Edit Fields (Set): writes fields into every item."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Literal, NotRequired

from typing_extensions import TypedDict

from runtime.contract import Context, Dynamic, Inline, Item, Items, NodeError, Outputs, error_item, param
from runtime.values.dates import Instant
from runtime.values.javascript import NullObject, ObjectText, js_number, js_string, property_order, truthy
from runtime.values.json_repair import parse_repaired
from runtime.values.json_text import NotJsonError
from runtime.values.lists.fields import text_parts
from runtime.values.objects import members, safe_copy
from runtime.values.paths import get, has, plain_name, set_path, unset
from runtime.values.problem import ProblemError
from runtime.values.undefined import without_undefined
from runtime.values.validation import FIELD_TYPES, as_text, validate_field
from schemas.diagnostic import Diagnostic, Location
from schemas.diagnostic.nodes import InvalidParameter
from schemas.item import UNDEFINED

Json = dict[str, Any]


class NamedValue(TypedDict, total=False):
    """A field and its value (versions 1 and 2)."""

    name: str
    value: Any


class ValuesByType(TypedDict, total=False):
    """Fields by type (versions 1 and 2)."""

    boolean: list[NamedValue]
    number: list[NamedValue]
    string: list[NamedValue]


class TypedField(TypedDict, total=False):
    """A field of versions 3 to 3.2: the value is under the key of its type."""

    name: str
    type: Literal["stringValue", "numberValue", "booleanValue", "arrayValue", "objectValue"]
    stringValue: Any
    numberValue: Any
    booleanValue: Any
    arrayValue: Any
    objectValue: Any


class TypedFields(TypedDict, total=False):
    """The fields of versions 3 to 3.2."""

    values: list[TypedField]


class Assignment(TypedDict, total=False):
    """A field since version 3.3."""

    id: str
    name: str
    value: Any
    type: NotRequired[str]


class Assignments(TypedDict, total=False):
    """The fields since version 3.3."""

    assignments: list[Assignment]


def write(json: Json, name: str, value: Any, *, dots: bool) -> None:
    """Put a value at a path, or at the key of that very name."""
    if isinstance(value, ObjectText | NullObject):
        value = _as_json(value)
    if dots:
        set_path(json, name, value)
    elif (key := plain_name(name)) != "__proto__" and isinstance(json, dict):
        json[key] = value


class SetV1(Inline):
    """Set, versions 1 and 2: fields by type, converted only since version 2."""

    type = "n8n-nodes-base.set"
    versions = (1, 2)
    one_item_each = True
    exact_values = True

    keep_only_set: Dynamic[bool] = param(False)
    values: Dynamic[ValuesByType] = param({})
    options: Dynamic[Json] = param({})

    def run(self, context: Context, items: Items) -> Outputs:
        """Return one item for each; booleans are written first, then numbers, then strings."""
        convert = _CONVERSIONS if context.version >= 2 else _CONVERSIONS_V1
        if not items:  # the node was reached through an input that it has not: n8n makes an item
            return [[{**self._item(context, 0, {"json": {}}, convert), "pairedItem": {"item": 0}}]]
        return [[self._item(context, i, item, convert) for i, item in enumerate(items)]]

    def _item(self, context: Context, i: int, item: Item, convert: dict[str, Callable[[Any], Any]]) -> Item:
        p = context.resolve(self, i)
        keep_only = bool(p.keep_only_set)
        json: Json = {} if keep_only else safe_copy(item["json"])
        dots = (p.options or {}).get("dotNotation", True) is not False
        for type_, default in _DEFAULTS.items():
            written = _fields_of_type(self.values, type_)
            for raw, field in zip(written, _fields_of_type(p.values, type_), strict=False):
                name = js_string(field.get("name", UNDEFINED if "name" in raw else "propertyName"))
                value = field.get("value", UNDEFINED if "value" in raw else default)
                value = convert.get(type_, _as_json)(value)
                if value is UNDEFINED and not context.keeps_undefined():
                    unset(json, name)
                elif dots:
                    set_path(json, name, value)
                elif name != "__proto__" and isinstance(json, dict):
                    json[name] = value
        output: Item = {"json": json, "pairedItem": {"item": i}}
        if "binary" in item and not keep_only:
            output["binary"] = item["binary"]
        return output


def _as_json(value: Any) -> Any:
    """Return a Date or Duration as items show it."""
    return None if isinstance(value, NullObject) else str(value) if isinstance(value, ObjectText) else value


def _number_or_same(value: Any) -> Any:
    value = _as_json(value)
    if not isinstance(value, str):
        return value
    number = js_number(value)
    return number if number == number else value  # noqa: PLR0124  # NaN


_DEFAULTS: dict[str, Any] = {"boolean": False, "number": 0, "string": ""}
_CONVERSIONS_V1: dict[str, Callable[[Any], Any]] = {"boolean": truthy}
_CONVERSIONS: dict[str, Callable[[Any], Any]] = {"boolean": truthy, "number": _number_or_same}


class SetV3(Inline):
    """Edit Fields, since version 3: fields or raw JSON, with a choice of what to keep of the input."""

    type = "n8n-nodes-base.set"
    versions: ClassVar[tuple[float, ...]] = (3, 3.1, 3.2, 3.3, 3.4, 3.5)
    one_item_each = True
    exact_values = True

    mode: Dynamic[Literal["manual", "raw"]] = param("manual")
    duplicate_item: Dynamic[bool] = param(False)
    duplicate_count: Dynamic[float] = param(0, show={"duplicateItem": [True]})
    json_output: Dynamic[Any] = param(
        '{\n  "my_field_1": "value",\n  "my_field_2": 1\n}\n', show={"mode": ["raw"]}, resolvables="json"
    )
    fields: Dynamic[TypedFields] = param({}, show={"@version": [3, 3.1, 3.2], "mode": ["manual"]})
    assignments: Dynamic[Assignments] = param(
        {}, whole=True, hide={"@version": [3, 3.1, 3.2]}, show={"mode": ["manual"]}
    )
    include_old: Dynamic[Literal["all", "none", "selected", "except"]] = param(
        "all", alias="include", show={"@version": [3, 3.1, 3.2]}
    )
    include_other_fields: Dynamic[bool] = param(False, hide={"@version": [3, 3.1, 3.2]})
    include: Dynamic[Literal["all", "selected", "except"]] = param(
        "all", hide={"@version": [3, 3.1, 3.2], "/includeOtherFields": [False]}
    )
    include_fields_old: Dynamic[str] = param(
        "", alias="includeFields", show={"include": ["selected"], "@version": [3, 3.1, 3.2]}
    )
    exclude_fields_old: Dynamic[str] = param(
        "", alias="excludeFields", show={"include": ["except"], "@version": [3, 3.1, 3.2]}
    )
    include_fields: Dynamic[str] = param(
        "", show={"include": ["selected"], "/includeOtherFields": [True]}, hide={"@version": [3, 3.1, 3.2]}
    )
    exclude_fields: Dynamic[str] = param(
        "", show={"include": ["except"], "/includeOtherFields": [True]}, hide={"@version": [3, 3.1, 3.2]}
    )
    options: Dynamic[Json] = param({})

    def check(self, at: Location, version: float) -> Iterator[Diagnostic]:
        """Report constants that do not fit the type of their field: n8n refuses to start."""
        if self.mode == "raw":
            yield from _type_mismatch(at.within("parameters", "jsonOutput"), "jsonOutput", self.json_output, "object")
        elif version < 3.3:
            for index, field in enumerate(_list(self.fields.get("values"))):
                key = field.get("type", "stringValue")
                place = at.within("parameters", "fields", "values", index, key)
                yield from _type_mismatch(
                    place, key, field.get(key, _FIELD_DEFAULTS.get(key)), key.removesuffix("Value")
                )

    def run(self, context: Context, items: Items) -> Outputs:
        """Return one item for each (more with `duplicateItem` in manual runs)."""
        if self.mode not in ("manual", "raw"):
            raise NodeError("Cannot read properties of undefined (reading 'execute')")
        out: Items = []
        make = self._from_json if self.mode == "raw" else self._from_fields
        for i, item in enumerate(items):
            try:
                p = context.resolve(self, i)
                base, keep_binary = p.base(item, context.version, context.keeps_undefined)
                output: Item = {"json": make(self, p, base, context, i), "pairedItem": {"item": i}}
                if keep_binary and "binary" in item:
                    output["binary"] = item["binary"]
                if context.version >= 3.3 and self.mode == "manual":
                    p.add_binary(output, item)
            except NodeError as error:
                error.item = i if error.item is None else error.item
                if not context.continue_on_fail:
                    raise
                output = error_item(error, i)
            out.append(output)
            if context.mode == "manual" and self.duplicate_item:
                count = js_number(context.resolve(self, i).duplicate_count)
                out.extend(_copy(output) for _ in range(int(count if count == count else 0)))  # noqa: PLR0124
        return [out]

    # --- the part of the input that stays ---

    def base(self, item: Item, version: float, keep_undefined: Callable[[], bool]) -> tuple[Json, bool]:
        """Return the json to write into, and whether the files stay."""
        options = self.options or {}
        dots = options.get("dotNotation", True) is not False
        if version < 3.3:
            fields = self.include_fields_old if self.include_old == "selected" else self.exclude_fields_old
            json = _input_fields(item["json"], self.include_old, fields, keep_undefined, dots=dots)
            return json, truthy(options.get("includeBinary"))
        others = bool(self.include_other_fields)
        include = self.include if others else "none"
        keep_binary = (
            truthy(options.get("includeBinary")) if version < 3.4 else others and not options.get("stripBinary")
        )
        fields = self.include_fields if include == "selected" else self.exclude_fields
        return _input_fields(item["json"], include, fields, keep_undefined, dots=dots), keep_binary

    # --- what is written ---

    @staticmethod
    def _from_fields(raw: "SetV3", p: "SetV3", json: Json, context: Context, i: int) -> Json:
        options = p.options or {}
        dots = options.get("dotNotation", True) is not False
        lenient = truthy(options.get("ignoreConversionErrors"))
        fields: Json = {}
        if context.version < 3.3:
            for name, type_, value in p.old_fields(raw):
                fields[name] = convert_value(name, value, type_, context.version, lenient, i)
            return _write_fields(json, fields, dots=dots)
        for each in (p.assignments or {}).get("assignments") or ():
            kind: Any = each.get("type")
            known = _TYPES.get(str(kind).lower())
            if kind == "binary":
                continue
            called, value = each.get("name", UNDEFINED), each.get("value")
            value = None if value is UNDEFINED else value
            name = called if isinstance(called, str) else js_string(called)
            if value is not None and not isinstance(kind, str):
                what = "Cannot read properties of undefined (reading 'toLowerCase')"
                raise NodeError(what if kind in (None, UNDEFINED) else "type.toLowerCase is not a function", item=i)
            if known is not None and value is not None and not (known == "string" and type(value) is str):
                value = convert_value(name, value, known, context.version, lenient, i)
            fields[name] = value
        return _write_fields(json, fields, dots=dots)

    def old_fields(self, raw: "SetV3") -> Iterator[tuple[str, str, Any]]:
        """Yield name, type and value; an object that comes from an expression is raw JSON."""
        written = _list(raw.fields.get("values"))
        for field, source in zip(_list((self.fields or {}).get("values")), written, strict=False):
            key = field.get("type", "stringValue")
            raw_value = source.get(key, _FIELD_DEFAULTS.get(key))
            value = field.get(key, UNDEFINED if key in source else "{}" if raw_value == "={}" else raw_value)
            if key == "objectValue" and isinstance(raw_value, str) and raw_value.startswith("="):
                key = "jsonValue"
            yield js_string(field.get("name", UNDEFINED if "name" in source else "")), key.removesuffix("Value"), value

    @staticmethod
    def _from_json(raw: "SetV3", p: "SetV3", json: Json, context: Context, i: int) -> Json:
        del raw, context
        dots = (p.options or {}).get("dotNotation", True) is not False
        fields = parse_parameter(p.json_output, "JSON Output", i, allow_null=True)
        if fields is None:
            raise NodeError("Cannot convert undefined or null to object")
        return _write_fields(json, fields, dots=dots)

    def add_binary(self, output: Item, item: Item) -> None:
        """Add the files of assignments of type binary: they name a file of the input, or are one. Raise NodeError."""
        for each in (self.assignments or {}).get("assignments") or ():
            if each.get("type") != "binary":
                continue
            value = each.get("value")
            if isinstance(value, str) and value in item.get("binary", {}):
                value = item["binary"][value]
            if not (isinstance(value, dict) and value.get("mimeType")):
                raise NodeError(
                    "Provided parameter is not a string or binary data object.",
                    description="Specify the property name of the binary data in input item or use an expression to "
                    'access the binary data in previous nodes, e.g. "{{ $(_target_node_).item.binary[_binary_property_name_] }}"',
                )
            files: dict[str, Any] = {**output.get("binary", {}), each.get("name", ""): value}
            output["binary"] = files


_TYPES = {type_.lower(): type_ for type_ in FIELD_TYPES}
"""Types of assignments in lower case: n8n takes them in any. A value of another type is neither checked nor converted."""
_FIELD_DEFAULTS: Json = {
    "booleanValue": "true",
    "stringValue": "",
    "numberValue": "",
    "arrayValue": "",
    "objectValue": "={}",
}


def _type_mismatch(at: Location, name: str, value: Any, type_: str) -> Iterator[Diagnostic]:
    if type_ == "string" or (isinstance(value, str) and value.startswith("=")):
        return
    checked = validate_field(name, value, type_)
    if checked.error is not None:
        yield InvalidParameter(at=at, reason=checked.error)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if isinstance(value, dict) else []


def _copy(item: Item) -> Item:
    return {**item, "json": dict(item["json"])}


def _write_fields(json: Json, fields: Json, *, dots: bool) -> Json:
    """Write fields into the JSON. n8n collects them in an object first: a name that occurs twice has its first place
    and its last value, and numbers come first.
    """
    for name in property_order(fields):
        write(json, name, fields[name], dots=dots)
    return json


def _input_fields(json: Json, include: str, fields: Any, keep_undefined: Callable[[], bool], *, dots: bool) -> Json:
    """Return the part of the input that stays: all, none, selected fields, or all but some."""
    if include == "all":
        return safe_copy(json)  # type: ignore[no-any-return]  # of what it got
    if include == "none":
        return {}
    if include not in ("selected", "except"):
        raise NodeError(f'The include option "{js_string(include)}" is not known!')
    try:
        names = text_parts(fields)
    except ProblemError as problem:
        raise NodeError(problem.message) from problem
    if include == "selected":
        return _pick_fields(json, names, keep_undefined, dots=dots)
    rest: Json = safe_copy(json)
    for name in names:
        if dots or not isinstance(rest, dict):
            unset(rest, name)
        else:
            rest.pop(plain_name(name), None)
    return rest


def _pick_fields(json: Json, names: list[str], keep_undefined: Callable[[], bool], *, dots: bool) -> Json:
    """Return the fields of these names. One that is not there is a member that is undefined, as in n8n."""
    selection: Json = {}
    for name in names:
        value = get(json, name) if dots else members(json).get(plain_name(name), UNDEFINED)
        exists = has(json, name) if dots else plain_name(name) in members(json)
        key = name.rsplit(".", 1)[-1] if dots else plain_name(name)
        if exists or keep_undefined():
            write(selection, key, value, dots=dots)
        elif dots and "[" in key:  # n8n makes the list all the same
            set_path(selection, key, None)
            unset(selection, key)
    return selection


def convert_value(name: str, value: Any, type_: str, version: float, lenient: bool, i: int) -> Any:
    """Return a value in the type of its field. Raise NodeError when it does not fit, unless `lenient`."""
    if value is None or value is UNDEFINED:
        return _convert_missing(name, value, type_, version, lenient, i)
    if type_ == "string":
        return as_text(value)
    if type_ == "json":
        return without_undefined(parse_parameter(value, name, i, inside="'Fields to Set'", allow_null=True))
    checked = validate_field(name, value, type_)
    if checked.error is None:
        return checked.value.iso() if isinstance(checked.value, Instant) else checked.value  # an item is JSON
    if lenient:
        return value
    raise _conversion_error(name, checked.error, i)


def _convert_missing(name: str, value: Any, type_: str, version: float, lenient: bool, i: int) -> Any:
    """Return null and undefined as null; as text in version 3. Raise NodeError in 3.1."""
    if type_ == "string" and version < 3.2 and not lenient:
        text = "null" if value is None else "undefined"
        if version < 3.1:
            return text
        raise _conversion_error(name, f"'{name}' expects a string but we got '{text}'", i)
    return None


def _conversion_error(name: str, message: str, i: int) -> NodeError:
    return NodeError(
        f"{message} [item {i}]",
        description=f'To fix the error try to change the type for the field "{name}" or activate the option '
        "“Ignore Type Conversion Errors” to apply a less strict type validation",
        item=i,
    )


def parse_parameter(value: Any, name: str, i: int, *, inside: str = "", allow_null: bool = False) -> Json | None:
    """Return the object of a JSON parameter: text is parsed, with repairs. Raise NodeError."""
    where = f'entry "{name}" inside {inside}' if inside else f"'{name}'"
    if isinstance(value, str):
        try:
            value = parse_repaired(value)
        except NotJsonError:
            raise NodeError(f"The {where} in item {i} contains invalid JSON", item=i) from None
    if (value is None or value is UNDEFINED) and allow_null:
        return None
    if not isinstance(value, dict):
        raise NodeError(f"The {where} in item {i} does not contain a valid JSON object", item=i)
    return value


def _fields_of_type(groups: Any, type_: str) -> list[Any]:
    """Return the fields of one type; none where the group is not there."""
    return list((groups or {}).get(type_) or ())
