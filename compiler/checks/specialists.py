"""Specialists named in notes (`agent: <slug>`): each must exist."""

from collections.abc import Iterator

from compiler.unit import Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.base import MAX_LISTED
from schemas.diagnostic.nodes import UnknownSpecialist


def specialists(unit: Unit) -> Iterator[Diagnostic]:
    """Yield a finding for each node whose notes name a specialist that does not exist."""
    for bound in unit.bound.values():
        slug = bound.specialist
        if slug is None or bound.declared is None or not bound.declared.takes_specialist:
            continue
        known = unit.catalog.specialists()
        if slug.replace("-", "_") not in known:
            advice = unit.hint(slug.replace("-", "_"), known) or f"there are {', '.join(known[:MAX_LISTED])}"
            yield UnknownSpecialist(at=bound.at.within("notes"), slug=slug, advice=advice)
