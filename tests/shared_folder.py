"""Find the folder of recorded cases beside the repository (`../shared`).

A clone may lie beside any folder of that name. Ours is known by its marker, `conformance/README.md`, and everything that
reads from it asks here.
"""

from pathlib import Path
from typing import Final

__all__ = ["ABSENT", "MARKER", "REPOSITORY", "shared_path"]

REPOSITORY: Final = Path(__file__).resolve().parents[1]
MARKER: Final = Path("conformance", "README.md")
ABSENT: Final = f"the recorded cases are not beside the repository (no ../shared with {MARKER})"
"""Reason of a skip."""


def shared_path(*parts: str, repository: Path = REPOSITORY) -> Path | None:
    """Return `../shared/<parts>` seen from `repository`; None when `../shared` has no marker or no such part."""
    folder = repository.parent / "shared"
    place = folder.joinpath(*parts)
    return place if (folder / MARKER).is_file() and place.exists() else None
