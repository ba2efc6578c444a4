"""Date & Time: moment in version 1, luxon in version 2, both as n8n calls them."""

import copy
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from runtime.contract import (
    Activity,
    ActivityContext,
    Dynamic,
    Item,
    Items,
    NodeError,
    Outputs,
    attempt_each,
    error_item,
    param,
    result_name,
    with_result,
)
from runtime.expressions.library import LibraryError, run_library
from runtime.values.javascript import DateTimeText, js_string
from schemas.item import UNDEFINED

_ABBREVIATION: Final = "\0z\0"
_MODERN = 2
_DATE_OF: Final = {"addToDate": "magnitude", "subtractFromDate": "magnitude", "getTimeBetweenDates": "start_date"}
_NAMES: Final = {
    "getCurrentDate": "currentDate",
    "addToDate": "newDate",
    "subtractFromDate": "newDate",
    "formatDate": "formattedDate",
    "roundDate": "roundedDate",
    "getTimeBetweenDates": "timeDifference",
    "extractDate": "datePart",
}
_BY_OPERATION: Final = "\0"
"""Stands for a name of the result that is not given."""
_UNITS = Literal["years", "quarters", "months", "weeks", "days", "hours", "minutes", "seconds", "milliseconds"]
_PART = Literal["year", "month", "week", "day", "hour", "minute", "second"]
_V1, _V2 = {"@version": [1]}, {"@version": [2]}


def _on(*operations: str) -> dict[str, list[Any]]:
    return {**_V2, "operation": list(operations)}


class DateTime(Activity):
    """Dates read, moved, compared and written."""

    type = "n8n-nodes-base.dateTime"
    versions = (1, 2)
    exact_values = True
    one_item_each = True
    usable_as_tool = True
    local = True

    notice_date_time: str = param("", show=_V1)
    action: Dynamic[Literal["calculate", "format"]] = param("format", show=_V1)
    value: Dynamic[Any] = param("", show=_V1, required=True)
    data_property_name: Dynamic[str] = param("data", show=_V1, required=True, label="Property Name")
    custom: Dynamic[bool] = param(False, show={**_V1, "action": ["format"]})
    to_format: Dynamic[str] = param("", show={**_V1, "action": ["format"], "custom": [True]})
    to_known_format: Dynamic[str] = param(
        "MM/DD/YYYY", alias="toFormat", show={**_V1, "action": ["format"], "custom": [False]}
    )
    calculation: Literal["add", "subtract"] = param(
        "add", alias="operation", show={**_V1, "action": ["calculate"]}, required=True
    )
    v1_duration: Dynamic[Any] = param(0, alias="duration", show={**_V1, "action": ["calculate"]}, required=True)
    v1_time_unit: Dynamic[_UNITS] = param(
        "days", alias="timeUnit", show={**_V1, "action": ["calculate"]}, required=True
    )

    operation: Literal[
        "addToDate", "extractDate", "formatDate", "getCurrentDate", "getTimeBetweenDates", "roundDate",
        "subtractFromDate",
    ] = param("getCurrentDate", show=_V2)  # fmt: skip
    notice: str = param("", show=_V2)
    include_time: Dynamic[bool] = param(True, show=_on("getCurrentDate"))
    magnitude: Dynamic[Any] = param("", show=_on("addToDate", "subtractFromDate"), required=True)
    time_unit: Dynamic[_UNITS] = param("days", show=_on("addToDate", "subtractFromDate"), required=True)
    duration: Dynamic[Any] = param(0, show=_on("addToDate", "subtractFromDate"))
    date: Dynamic[Any] = param("", show=_on("formatDate", "roundDate", "extractDate"))
    format: Dynamic[str] = param("MM/dd/yyyy", show=_on("formatDate"))
    custom_format: Dynamic[str] = param("", show={**_on("formatDate"), "format": ["custom"]})
    mode: Dynamic[Literal["roundDown", "roundUp"]] = param("roundDown", show=_on("roundDate"))
    to_nearest: Dynamic[_PART] = param("month", show={**_on("roundDate"), "mode": ["roundDown"]})
    to: Dynamic[Literal["month"]] = param("month", show={**_on("roundDate"), "mode": ["roundUp"]})
    start_date: Dynamic[Any] = param("", show=_on("getTimeBetweenDates"))
    end_date: Dynamic[Any] = param("", show=_on("getTimeBetweenDates"))
    units: Dynamic[Any] = param(["day"], show=_on("getTimeBetweenDates"))
    part: Dynamic[_PART] = param("month", show=_on("extractDate"))
    output_field_name: Dynamic[Any] = param(_BY_OPERATION, show=_V2)

    options: Dynamic[dict[str, Any]] = param({})

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Pass all items through the library in one call."""
        modern = context.version >= _MODERN
        if (self.operation not in _NAMES) if modern else (self.action not in ("calculate", "format")):
            return [[]]
        nodes = [context.resolve(self, i) for i in range(len(items))]
        requests = attempt_each(
            items, lambda i: (nodes[i].script_request_v2 if modern else nodes[i].script_request_v1)(context.timezone)
        )
        sent = [each for each in requests if not isinstance(each, NodeError)]
        results = iter(await run_library(context, "moment", _script(), sent))
        out: Items = []
        for i, (node, request) in enumerate(zip(nodes, requests, strict=True)):
            try:
                if isinstance(request, NodeError):
                    raise request
                result = next(results)
                if node.action == "format" and node.is_undefined("value"):  # n8n leaves such an item out
                    continue
                if isinstance(result, LibraryError):
                    raise NodeError(str(result), item=i)  # noqa: TRY301 - beside those of the item
                out.append((node.item_v2 if modern else node.item_v1)(items[i], i, result))
            except NodeError as error:
                if not context.continue_on_fail:
                    raise
                out.append({"json": {"error": error.message}} if modern else error_item(error, i))
        return [out]

    def script_request_v1(self, zone: str) -> dict[str, Any]:
        """Return version 1's request to the script."""
        options = self.options or {}
        if self.action == "format":
            return {
                "kind": "format",
                "date": self.value,
                "zone": zone,
                "toFormat": self.to_format if self.custom else self.to_known_format,
                **{name: options.get(name) for name in ("fromFormat", "fromTimezone", "toTimezone")},
            }
        return {
            "kind": "calculate",
            **self.argument("date", "value"),
            "operation": self.calculation,
            "duration": self.v1_duration,
            "timeUnit": self.v1_time_unit,
            "fromFormat": options.get("fromFormat"),
        }

    def script_request_v2(self, zone: str) -> dict[str, Any]:
        """Return version 2's request to the script."""
        options = self.options or {}
        request: dict[str, Any] = {"kind": "modern", "operation": self.operation, "zone": zone}
        if self.operation == "getCurrentDate":
            return request | {"includeTime": self.include_time, "timezone": options.get("timezone")}
        request |= self.argument("date", _DATE_OF.get(self.operation, "date"))
        match self.operation:
            case "addToDate" | "subtractFromDate":
                request |= {"duration": self.duration} | self.argument("timeUnit", "time_unit")
            case "formatDate":
                request |= {
                    "inZone": bool(options.get("timezone")),
                    "fromFormat": options.get("fromFormat"),
                    "isDate": isinstance(self.date, DateTimeText),
                } | self.argument("format", "custom_format" if self.format == "custom" else "format")
            case "roundDate":
                up = self.mode == "roundUp"
                request |= {"roundUp": up, **self.argument("toNearest", "to" if up else "to_nearest")}
            case "getTimeBetweenDates":
                request |= {"units": self.units, "isoString": options.get("isoString")} | self.argument(
                    "endDate", "end_date"
                )
            case "extractDate":
                request["part"] = self.part
        return request

    def argument(self, key: str, name: str) -> dict[str, Any]:
        """Return a parameter for the script, left out when it is undefined."""
        return {} if self.is_undefined(name) else {key: getattr(self, name)}

    def item_v1(self, item: Item, i: int, result: dict[str, Any]) -> Item:
        """Return the item with one field set (version 1)."""
        text = result["text"]
        if _ABBREVIATION in text:
            text = text.replace(_ABBREVIATION, _abbreviation(result["at"], result["zone"]))
        json = with_result(item["json"], result_name(self.given("data_property_name"), i), text)
        output: Item = {"json": json, "pairedItem": {"item": i}}
        if "binary" in item:
            output["binary"] = item["binary"]
        return output

    def item_v2(self, item: Item, i: int, result: Any) -> Item:
        """Return the result alone, or next to the item's fields (version 2)."""
        name = _NAMES[self.operation] if self.output_field_name == _BY_OPERATION else self.output_field_name
        json = copy.deepcopy(item["json"]) if (self.options or {}).get("includeInputFields") else {}
        if result is not UNDEFINED:
            json[js_string(name)] = result
        output: Item = {"json": json, "pairedItem": {"item": i}}
        if "binary" in item and (self.options or {}).get("includeInputFields"):
            output["binary"] = item["binary"]
        return output


def _abbreviation(at: float, zone: str) -> str:
    try:
        return datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(zone)).tzname() or ""
    except (ZoneInfoNotFoundError, ValueError, OverflowError):
        return ""


@cache
def _script() -> str:
    return Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
