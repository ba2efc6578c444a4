"""The fields of a form: those of a page, and the item of a submission."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from api.triggers.bodies import Body
from api.triggers.responses import refusal

__all__ = ["Field", "fields_of", "parse_submission"]

FIELD_TYPES: Final = frozenset(
    {
        "text",
        "textarea",
        "number",
        "date",
        "email",
        "password",
        "dropdown",
        "checkbox",
        "radio",
        "file",
        "hiddenField",
        "html",
    }
)


@dataclass(frozen=True)
class Field:
    """One field; `name` is its name in the page."""

    name: str
    label: str
    """The key in the item."""
    kind: str
    required: bool = False
    placeholder: str = ""
    default: str = ""
    options: Sequence[str] = ()
    multiple: bool = False
    accept: str = ""
    html: str = ""


def fields_of(parameters: Mapping[str, Any], query: Mapping[str, Any]) -> list[Field]:
    """Return the fields of a node's `formFields`; a query parameter of a field's name is its first value, as in n8n."""
    collection = parameters.get("formFields")
    values = collection.get("values") if isinstance(collection, Mapping) else None
    fields = []
    for i, each in enumerate(values if isinstance(values, list) else []):
        if not isinstance(each, Mapping):
            continue
        kind = str(each.get("fieldType") or "text")
        label = str(each.get("fieldLabel") or each.get("fieldName") or each.get("elementName") or f"field-{i}")
        key = str(each.get("fieldName") or label)
        options = ((each.get("fieldOptions") or {}).get("values")) or []
        first = query.get(key, each.get("defaultValue", each.get("fieldValue", "")))
        fields.append(
            Field(
                name=f"field-{i}", label=key, kind=kind if kind in FIELD_TYPES else "text", required=bool(each.get("requiredField")),
                placeholder=str(each.get("placeholder") or ""), default=first if isinstance(first, str) else "",
                options=[str(option.get("option", "")) for option in options if isinstance(option, Mapping)],
                multiple=bool(each.get("multiselect")) or kind == "checkbox", accept=str(each.get("acceptFileTypes") or ""),
                html=str(each.get("html") or ""),
            )
        )  # fmt: skip
    return fields


def parse_submission(
    fields: Sequence[Field], body: Body, timezone: str, now: datetime
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return (the item's JSON, name of each file in the body -> its binary property).

    Args:
        fields: of the form.
        body: of the request.
        timezone: of `submittedAt`.
        now: the time of the submission.

    Raises:
        Refusal: a required field is empty, or a choice is none of the options.
    """
    values: Mapping[str, Any] = body.value if isinstance(body.value, dict) else {}
    json: dict[str, Any] = {}
    files: dict[str, str] = {}
    for field in fields:
        if field.kind == "html":
            continue
        if field.kind == "file":
            _file(field, body, json, files)
            continue
        value = values.get(field.name, values.get(field.label))
        if field.required and value in (None, "", []):
            raise refusal(400, f"Field '{field.label}' is required")
        json[field.label] = _typed(field, value)
    json["submittedAt"] = now.astimezone(ZoneInfo(timezone)).isoformat(timespec="milliseconds")
    json["formMode"] = "production"
    return json, files


def _file(field: Field, body: Body, json: dict[str, Any], files: dict[str, str]) -> None:
    names = [name for name in body.files if name == field.name or name.startswith(f"{field.name}_")]
    if field.required and not names:
        raise refusal(400, f"Field '{field.label}' is required")
    entries = []
    for i, name in enumerate(names):
        key = "".join(char if char.isalnum() or char == "_" else "_" for char in field.label)
        files[name] = key if len(names) == 1 else f"{key}_{i}"
        file = body.files[name]
        entries.append({"filename": file.file_name, "mimetype": file.mime_type, "size": len(file.data)})
    json[field.label] = (entries if field.multiple else entries[0]) if entries else None


def _typed(field: Field, value: Any) -> Any:
    if field.kind in ("dropdown", "radio", "checkbox"):
        choices = [] if value in (None, "") else value if isinstance(value, list) else [value]
        if field.options and any(each not in field.options for each in choices):
            raise refusal(400, f"Field '{field.label}': no such option")
        return choices if field.multiple else (choices[0] if choices else None)
    if value in (None, ""):
        return None if field.kind == "number" else value or ""
    if field.kind == "number":
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise refusal(400, f"Field '{field.label}' must be a number") from None
        return int(number) if number.is_integer() else number
    return value.strip() if isinstance(value, str) and field.kind not in ("textarea", "password") else value
