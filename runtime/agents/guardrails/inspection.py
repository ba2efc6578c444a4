"""The checks of a text that need no model, and the text with what they found masked. For activities: patterns run over data."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from runtime.agents.guardrails import personal_data
from runtime.agents.guardrails.addresses import inspect_addresses, rules_of
from runtime.agents.guardrails.keywords import keywords_in
from runtime.agents.guardrails.secrets import secrets_in
from runtime.contract import NodeError
from runtime.values.patterns import BadPatternError, compile_pattern, from_text

__all__ = ["inspect", "values_of"]

Found = tuple[dict[str, Any], bool, list[tuple[str, str]]]
"""What a check tells, whether it is triggered, and (text, mask) of what it found."""


def values_of(guardrails: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """Return the values of a guardrail; None: the node has it not."""
    given = guardrails.get(name)
    if given is None:
        return None
    value = given.get("value") if isinstance(given, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def inspect(text: str, guardrails: Mapping[str, Any], *, tolerant: bool) -> dict[str, Any]:
    """Return `checks` in n8n's order, `keywords` (a check, or None) and the `masked` text.

    Args:
        text: to inspect.
        guardrails: the node's parameter.
        tolerant: a check that cannot be made counts as triggered, with its `exception`, instead of raising.

    Raises:
        NodeError: a check cannot be made.
    """
    checks, masks = list[dict[str, Any]](), dict[str, str]()
    for name, check in _checks(guardrails):
        try:
            info, triggered, found = check(text)
        except BadPatternError as error:
            if not tolerant:
                raise NodeError(error.message) from error
            failed = {"executionFailed": True, "exception": {"name": "Error", "description": error.message}}
            checks.append({"name": name, "triggered": True, **failed})
            continue
        checks.append({"name": name, "triggered": triggered, "info": info})
        masks |= dict(found)
    words = guardrails.get("keywords")
    matched = keywords_in(text, str(words)) if words else []
    keywords = {"name": "keywords", "triggered": bool(matched), "info": {"matchedKeywords": matched}}
    return {"checks": checks, "keywords": keywords if words is not None else None, "masked": _masked(text, masks)}


def _checks(guardrails: Mapping[str, Any]) -> Iterator[tuple[str, Callable[[str], Found]]]:
    if (values := values_of(guardrails, "pii")) is not None:
        yield "personalData", lambda text: _personal(text, values)
    if (own := guardrails.get("customRegex")) is not None:
        yield "customRegex", lambda text: _own(text, own.get("regex") or [])
    if (level := values_of(guardrails, "secretKeys")) is not None:
        yield "secretKeys", lambda text: _secrets(text, str(level.get("permissiveness")))
    if (rules := values_of(guardrails, "urls")) is not None:
        yield "urls", lambda text: _addresses(text, rules)


def _personal(text: str, values: Mapping[str, Any]) -> Found:
    kinds = values.get("entities") or [] if values.get("type") == "selected" else None
    found = [
        (kind, each)
        for kind, source in personal_data.patterns(kinds)
        for each in compile_pattern(source, "g").find_all(text)
    ]
    return _analyzed(found)


def _own(text: str, rows: list[Mapping[str, Any]]) -> Found:
    found = list[tuple[str, str]]()
    for row in rows:
        pattern = from_text(str(row.get("value") or ""), always="g")
        found += [(str(row.get("name") or ""), each) for each in pattern.find_all(text)]
    return _analyzed(found)


def _analyzed(found: list[tuple[str, str]]) -> Found:
    results = [{"entityType": kind, "text": each} for kind, each in found]
    return {"analyzerResults": results}, bool(found), [(each, f"<{kind}>") for kind, each in found]


def _secrets(text: str, permissiveness: str) -> Found:
    found = secrets_in(text, permissiveness)
    return {"detectedSecrets": found}, bool(found), [(each, "<SECRET>") for each in found]


def _addresses(text: str, rules: Mapping[str, Any]) -> Found:
    info = inspect_addresses(text, rules_of(rules))
    return info, bool(info["blocked"]), [(each, "<URL>") for each in info["blocked"]]


def _masked(text: str, masks: Mapping[str, str]) -> str:
    """Return the text with each of these masked, longer ones first."""
    for each in sorted(masks, key=len, reverse=True):
        text = text.replace(each, masks[each]) if each else masks[each].join(text)
    return text
