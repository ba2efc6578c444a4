"""Whole-graph checks: one per file, each a function from the unit to its findings. `CHECKS` is the list."""

from collections.abc import Callable, Iterator
from typing import Final

from compiler.checks.ai_parts import ai_parts
from compiler.checks.code import code
from compiler.checks.credentials import credentials
from compiler.checks.differences import differences
from compiler.checks.loops import loops
from compiler.checks.parameters import parameters
from compiler.checks.pinned import pinned
from compiler.checks.ports import ports
from compiler.checks.references import references
from compiler.checks.retries import retries
from compiler.checks.security import security
from compiler.checks.settings import settings
from compiler.checks.sizes import sizes
from compiler.checks.specialists import specialists
from compiler.checks.sub_workflows import sub_workflows
from compiler.checks.transient import transient
from compiler.checks.triggers import triggers
from compiler.checks.webhooks import webhooks
from compiler.unit import Unit
from schemas.diagnostic import Diagnostic

CHECKS: Final[tuple[Callable[[Unit], Iterator[Diagnostic]], ...]] = (
    triggers,
    transient,
    ports,
    ai_parts,
    loops,
    parameters,
    differences,
    references,
    specialists,
    pinned,
    code,
    webhooks,
    sub_workflows,
    settings,
    retries,
    credentials,
    sizes,
    security,
)
