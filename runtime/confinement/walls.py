"""Whether the walls stand: a child attacks them, and what it reports is told to operators."""

from __future__ import annotations

import json
import sys
import tempfile
import threading
from dataclasses import dataclass
from functools import cache
from typing import IO, Any, Final

from runtime.confinement import attacks, children
from runtime.confinement.limits import ChildLimits

__all__ = ["Wall", "WallMissing", "check_walls", "insist"]

_SECONDS: Final = 60.0
_LIMITS: Final = ChildLimits(memory_bytes=64 << 20, open_files=24, threads=8)
_MAX_WORDS: Final = 1 << 16
"""Bytes that are read of what a child says that does not start."""
_NAMESPACES: Final = ("network", "processes")
"""Walls that stand without the namespace of their name, too: another one forbids the same."""


class WallMissing(Exception):
    """Raised when `TEMPOR8_SANDBOX=require` and a wall does not stand. The message names each and its reason."""


@dataclass(frozen=True)
class Wall:
    """A wall around children that run what authors wrote."""

    name: str
    stands: bool
    reason: str | None = None
    """Why it does not stand, or what of it is missing."""

    def __str__(self) -> str:
        """Return `on`, `on, without ...` or `off: reason`."""
        if self.stands:
            return f"on, but {self.reason}" if self.reason else "on"
        return f"off: {self.reason}"


def check_walls() -> tuple[Wall, ...]:
    """Return each wall as an attack from inside found it. Blocking, some 100 ms; once per process and policy."""
    return _check(children.policy())


def insist(walls: tuple[Wall, ...]) -> None:
    """Raise WallMissing when one does not stand."""
    if missing := [f"{wall.name} ({wall.reason})" for wall in walls if not wall.stands]:
        raise WallMissing(
            f"TEMPOR8_SANDBOX=require, and these walls around children are missing: {'; '.join(missing)}. "
            "`tempor8 doctor` shows all of them."
        )


@cache
def _check(policy: children.Policy) -> tuple[Wall, ...]:
    del policy  # the key
    with tempfile.TemporaryFile() as words:
        try:
            child = children.start("runtime.confinement.attacks", limits=_LIMITS, lenient=True, stderr=words.fileno())
        except OSError as error:
            return tuple(Wall(name, False, f"no child starts ({error.strerror})") for name in _names())
        late = threading.Timer(_SECONDS, child.kill)
        late.start()
        try:
            said = child.communicate()[0]
        finally:
            late.cancel()
            child.end()
        return judge([json.loads(line) for line in said.splitlines()], _last(words))


def _last(words: IO[bytes]) -> str:
    """Return the last line that a child said before it ended, after a colon; nothing where it said none."""
    words.seek(0)
    lines = words.read(_MAX_WORDS).decode("utf-8", "replace").split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "")
    return f": {last.strip()}" if last else ""


def judge(said: list[dict[str, Any]], last: str = "") -> tuple[Wall, ...]:
    """Return the walls according to what the attacking child said; `last`: its last words, for where it said nothing else."""
    missing: dict[str, str] = {}
    possible: list[str] = []
    tried = None
    for line in said:
        missing |= line.get("missing", {})
        tried = line.get("try", tried)
        if "possible" in line:
            possible.append(line["possible"])
        if {"possible", "refused", "done"} & line.keys():
            tried = None
    if not said:
        return tuple(Wall(name, False, f"the child that tries it does not start{last}") for name in _names())
    if tried is not None:
        possible.append(tried)  # the child ended with it
    return tuple(_wall(name, missing, [*dict.fromkeys(possible)]) for name in _names())


def _names() -> list[str]:
    return [*dict.fromkeys(wall for wall, _ in attacks.ATTACKS.values()), "user"]


def _wall(name: str, missing: dict[str, str], possible: list[str]) -> Wall:
    if name == "user":
        return Wall(name, "user" not in missing, missing.get("user"))
    broken = [attack for attack in possible if attacks.ATTACKS[attack][0] == name]
    if broken:
        why = missing.get(name) or ("only Linux has it" if sys.platform != "linux" else "")
        return Wall(name, False, f"a child may {', '.join(broken)}{f'; {why}' if why else ''}")
    if name not in missing:
        return Wall(name, True)
    if name in _NAMESPACES:
        return Wall(name, True, f"without a namespace of its own: {missing[name]}")
    return Wall(name, False, missing[name])
