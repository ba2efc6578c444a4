"""What the compiler reports: one class per code, facts as fields, the docstring is its page in `docs/diagnostics/`.

Families by stage: `reading` 1xx, `graph` 2xx, `nodes` 3xx, `expressions` 4xx, `credentials` 5xx, `limits` 6xx,
`security` 7xx, `targets` 8xx, `internal` 9xx. A code is never reused, even after its class is removed.
"""

from schemas.diagnostic.base import Diagnostic, Location, Severity, declared, pointer

__all__ = ["Diagnostic", "Location", "Severity", "declared", "pointer"]
