"""`python -m tests.integration.console.docs_pictures`: make the pictures of `docs/console.md` of those that the browser tests left."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from PIL import Image

from tests.integration.console.chromium import SCREENSHOTS

__all__ = ["FOLDER", "MAX_BYTES", "PICTURES", "main"]

FOLDER: Final = Path(__file__).parents[3] / "docs" / "console"
PICTURES: Final[Mapping[str, str]] = {
    "runs": "runs-light", "run": "run-timeline", "live": "run-live", "failures": "failures", "figures": "figures-light"
}  # fmt: skip
"""Name in the docs -> name of the test's picture."""
WIDTH: Final = 1000
HEIGHT: Final = 800
"""Pixels; what is below that is left out."""
MAX_BYTES: Final = 60_000
"""Of a picture: they are in every clone."""


def main() -> None:
    """Write every picture. Exit code 1: the tests have not left one of them."""
    FOLDER.mkdir(exist_ok=True)
    for name, source in PICTURES.items():
        path = SCREENSHOTS / f"{source}.png"
        if not path.exists():
            sys.exit(f"{path} is not there: run the tests of tests/integration/console first")
        with Image.open(path) as picture:
            scaled = picture.convert("RGB").resize((WIDTH, round(picture.height * WIDTH / picture.width)))
        scaled.crop((0, 0, WIDTH, min(scaled.height, HEIGHT))).save(FOLDER / f"{name}.webp", quality=70, method=6)


if __name__ == "__main__":
    main()
