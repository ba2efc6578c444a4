"""The workflow's settings: time zone, error workflow, and what means something else here."""

from collections.abc import Iterator
from functools import cache
from zoneinfo import available_timezones

from compiler.sites.concurrency import BadConcurrencyError, concurrency
from compiler.suggest import did_you_mean
from compiler.unit import Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.limits import BadConcurrency
from schemas.diagnostic.nodes import SettingDiffers, SubWorkflowMissing, UnknownTimezone


def settings(unit: Unit) -> Iterator[Diagnostic]:
    """Yield findings about each setting of the workflow."""
    assert unit.export is not None
    given = unit.export.settings
    zone = given.get("timezone")
    if isinstance(zone, str) and zone not in ("", "DEFAULT") and zone not in _zones():
        at = unit.at("/settings/timezone")
        yield UnknownTimezone(at=at, zone=zone, advice=did_you_mean(zone, _zones()))
    if given.get("binaryMode") == "combined":
        how = "binary data is stored separately from JSON, as with 'separate'"
        yield SettingDiffers(at=unit.at("/settings/binaryMode"), setting="binaryMode", how=how)
    if given.get("executionOrder") != "v1":
        how = "it is not v1, so nodes run in n8n's legacy order v0 (all branches level by level)"
        yield SettingDiffers(at=unit.at("/settings"), setting="executionOrder", how=how)
    try:
        concurrency(given)
    except BadConcurrencyError as error:
        yield BadConcurrency(at=unit.at("/settings"), reason=str(error))
    error_workflow = given.get("errorWorkflow")
    known = unit.options.known
    named = isinstance(error_workflow, str) and error_workflow not in ("", "DEFAULT")
    if named and known is not None and error_workflow not in known:
        yield SubWorkflowMissing(at=unit.at("/settings/errorWorkflow"), what="the error workflow", id=error_workflow)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
