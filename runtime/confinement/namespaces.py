"""Namespaces of a child, and the root that it sees."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from runtime.confinement import kernel

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["close_root", "enter"]

_STAGES: Final = ("/tmp", "/mnt", "/dev")  # noqa: S108 - folders to mount over, in a namespace of its own
_SYSTEM_FOLDERS: Final = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")
_NO_DEVICES: Final = kernel.MS_NOSUID | kernel.MS_NODEV


def enter() -> dict[str, str]:
    """Give this process every namespace that the system allows. Return reasons for the others, by name.

    Whoever has no right to the others gets a user namespace first, in which it may ask for the rest.
    """
    missing: dict[str, str] = {}
    user, group = os.geteuid(), os.getegid()
    names = list(kernel.NAMESPACES)
    if user == 0 and _try("files") is None:
        names = [name for name in names if name not in ("users", "files")]
    for name in names:
        reason = _try(name)
        if reason is None and name == "users":
            _map(user, group)
        elif reason is not None:
            missing[name] = reason
    return missing


def _try(name: str) -> str | None:
    try:
        kernel.unshare(kernel.NAMESPACES[name])
    except OSError as error:
        return f"the system refuses the namespace ({error.strerror})"
    return None


def _map(user: int, group: int) -> None:
    """Keep the own user and group: without a map every file would belong to nobody."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123 - no pathlib here
            file.write(text)


def close_root(program: str | None = None) -> None:
    """Make an empty, read-only folder the root; with a native program, one that holds it and the system's libraries.

    Raise OSError.
    """
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    stage = next(folder for folder in _STAGES if os.path.isdir(folder))  # noqa: PTH112 - no pathlib here
    opened = [(path, os.open(path, os.O_PATH | os.O_CLOEXEC)) for path in _shown(program)]
    kernel.mount("none", stage, "tmpfs", _NO_DEVICES, "size=64k,mode=755")
    os.chdir(stage)
    for path, descriptor in opened:
        _show(path, descriptor, stage)
        os.close(descriptor)
    kernel.pivot_root(".", ".")
    kernel.unmount(".")
    os.chdir("/")
    kernel.mount(None, "/", None, _NO_DEVICES | kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY)


def _shown(program: str | None) -> Iterable[str]:
    if program is None:
        return
    yield program
    for folder in _SYSTEM_FOLDERS:
        if os.path.isdir(folder):  # noqa: PTH112
            yield folder


def _show(path: str, descriptor: int, stage: str) -> None:
    """Show a file or folder of the old root at the same place of the new one, for reading."""
    target = stage + path
    os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)  # noqa: PTH103, PTH120
    if os.path.islink(path):  # noqa: PTH114 - /lib of a merged /usr
        os.symlink(os.readlink(path), target)  # noqa: PTH115, PTH211
        return
    source = f"/proc/self/fd/{descriptor}"
    if os.path.isdir(source):  # noqa: PTH112
        os.mkdir(target, 0o755)  # noqa: PTH102
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
    kernel.mount(source, target, None, kernel.MS_BIND | kernel.MS_REC)
    with suppress(OSError):  # where the flags of the original may not be changed
        kernel.mount(
            None, target, None, _NO_DEVICES | kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | kernel.MS_REC
        )
