"""Where the vendors' folders are."""

from pathlib import Path
from typing import Final

__all__ = ["FOLDER", "parameters_file"]

FOLDER: Final = Path(__file__).parent


def parameters_file(type_: str) -> str:
    """Return the name of the file with the parameters of a type."""
    return "trigger_parameters.json" if type_.endswith("Trigger") else "parameters.json"
