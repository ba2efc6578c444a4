"""`tempor8.toml`: the compiler options of a project, so that CI and every machine agree.

```toml
[check]
select = ["N8T"]
ignore = ["N8T3"]
fail-on = "warning"
allow-unsupported = true
timezone = "Europe/Berlin"
exclude = ["drafts/*"]
```
"""

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import typer

NAME: Final = "tempor8.toml"


@dataclass(frozen=True)
class Config:
    """The `[check]` table."""

    select: list[str] = field(default_factory=list)
    ignore: list[str] = field(default_factory=list)
    fail_on: str = "error"
    allow_unsupported: bool = False
    timezone: str = "America/New_York"
    exclude: list[str] = field(default_factory=list)


def load(start: Path | None = None) -> Config:
    """Return the configuration of the nearest `tempor8.toml` from `start` (the working folder) upwards.

    Raises:
        typer.BadParameter: the file cannot be read, is no TOML, or has an unknown or malformed setting.
    """
    folder = (start or Path.cwd()).resolve()
    for each in (folder, *folder.parents):
        if (each / NAME).is_file():
            return _read(each / NAME)
    return Config()


def _read(path: Path) -> Config:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("check", {})
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{path}: {error}") from error
    settings = {name.replace("-", "_"): value for name, value in table.items()}
    known = {each.name: getattr(Config(), each.name) for each in fields(Config)}
    for name, value in settings.items():
        if name not in known:
            raise typer.BadParameter(f"{path}: there is no setting {name!r} in [check]; there are {', '.join(known)}")
        if type(value) is not type(known[name]):
            raise typer.BadParameter(f"{path}: {name} should be {_expected(known[name])}")
    if settings.get("fail_on", "error") not in ("error", "warning", "never"):
        raise typer.BadParameter(f"{path}: fail-on should be error, warning or never")
    return Config(**settings)


def _expected(default: Any) -> str:
    return {list: "a list of strings", bool: "true or false", str: "a string"}[type(default)]
