"""9xx: faults of tempor8 itself."""

from schemas.diagnostic.base import Diagnostic


class CompilerBug(Diagnostic):
    """The compiler failed with an exception of its own.

    ## How it arises
    No content of an export is meant to lead to this code. It is reported when a pass of the compiler raises an
    exception, so that the other files of the same command are still compiled.

    ## Why it matters
    The export is probably fine, but it has not been compiled.

    ## What to do
    Report the fault with the export, or with the smallest part of it that still shows the fault.
    """

    code = "N8T901"
    suppressible = False
    text = "the compiler failed in the pass {stage!r}: {error}"
    hint_text = "this is a fault of tempor8: please report it with the export"
    stage: str
    error: str
