"""9xx: mistakes of ours."""

from schemas.diagnostic.base import Diagnostic


class CompilerBug(Diagnostic):
    """The compiler itself failed. The export is not to blame: please report it with the export that shows it."""

    code = "N8T901"
    suppressible = False
    text = "a mistake of tempor8 in the pass {stage!r}: {error}"
    hint_text = "please report this with the export"
    stage: str
    error: str
