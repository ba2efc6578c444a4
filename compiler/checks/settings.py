"""The workflow's settings: time zone, error workflow, and what means something else here."""

from collections.abc import Iterator
from functools import cache
from zoneinfo import available_timezones

from compiler.sites.concurrency import BadConcurrencyError, read_concurrency
from compiler.suggest import suggestion
from compiler.unit import Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.limits import BadConcurrency
from schemas.diagnostic.nodes import SettingDiffers, SubWorkflowMissing, UnknownTimezone


def settings(unit: Unit) -> Iterator[Diagnostic]:
    """Yield findings about each setting of the workflow."""
    assert unit.export is not None
    values = unit.export.settings
    zone = values.get("timezone")
    if isinstance(zone, str) and zone not in ("", "DEFAULT") and zone not in _zones():
        at = unit.at("/settings/timezone")
        yield UnknownTimezone(at=at, zone=zone, advice=suggestion(zone, _zones()))
    if values.get("binaryMode") == "combined":
        how = "binary data is stored separately from JSON, as with 'separate'"
        yield SettingDiffers(at=unit.at("/settings/binaryMode"), setting="binaryMode", how=how)
    if values.get("executionOrder") != "v1":
        how = "it is not v1, so nodes run in n8n's legacy order v0 (all branches level by level)"
        yield SettingDiffers(at=unit.at("/settings"), setting="executionOrder", how=how)
    try:
        read_concurrency(values)
    except BadConcurrencyError as error:
        yield BadConcurrency(at=unit.at("/settings"), reason=str(error))
    error_workflow = values.get("errorWorkflow")
    known = unit.options.known
    has_error_workflow = isinstance(error_workflow, str) and error_workflow not in ("", "DEFAULT")
    if has_error_workflow and known is not None and error_workflow not in known:
        yield SubWorkflowMissing(at=unit.at("/settings/errorWorkflow"), what="the error workflow", id=error_workflow)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
