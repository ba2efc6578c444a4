"""How much a Code node may take."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CodeLimits:
    """The limits of one run of a Code node. A run that exceeds one ends as an error of the node."""

    seconds: float = 60.0
    """Wall clock, waiting for its own requests not counted."""
    memory_mb: int = 512
    """V8's heap. The child process may write twice as much altogether."""
    output_mb: int = 64
    """JSON that comes back."""
