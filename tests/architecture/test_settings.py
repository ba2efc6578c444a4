"""Every setting is in a document for those who run the service."""

import re
from pathlib import Path

from runtime.platform.settings import Settings

ROOT = Path(__file__).parents[2]


def test_every_setting_is_documented() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")))
    names = {
        str(name)
        for field in Settings.model_fields.values()
        for name in getattr(field.validation_alias, "choices", [field.validation_alias])
    }
    documented = set(
        re.findall(r"`([A-Z][A-Z0-9_]*)", text)
    )  # whole names: TEMPOR8_X is not documented by TEMPOR8_X_URL
    assert names - documented == set()
