"""Run a program that cannot outlive the process that started it, not even when that one is killed with -9.

    python leash.py [--user UID:GID] SIGNAL PARENT_PID COMMAND...

On Linux the kernel sends SIGNAL to the program when its parent dies (PR_SET_PDEATHSIG), and no process stays between
the two. Elsewhere this process stays and watches. Only the standard library: it runs before anything is installed for
the user it switches to.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from typing import NoReturn

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.5


def main(arguments: list[str]) -> int:
    """Run the command and return its exit status; on Linux this process becomes the command."""
    if arguments[0] == "--user":
        uid, gid = (int(part) for part in arguments[1].split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        arguments = arguments[2:]
    stop, parent, command = signal.Signals(int(arguments[0])), int(arguments[1]), arguments[2:]
    os.setpgid(0, 0)  # Ctrl-C in a terminal is for the supervisor, which stops its programs in order
    if sys.platform == "linux":
        _tie_to_parent(stop, parent, command)
    return _watch(stop, parent, command)


def _tie_to_parent(stop: signal.Signals, parent: int, command: list[str]) -> NoReturn:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, stop.value)  # after setuid, which clears it
    if os.getppid() != parent:  # the parent died before the line above
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606  # becoming the program is the purpose


def _watch(stop: signal.Signals, parent: int, command: list[str]) -> int:
    child = subprocess.Popen(command)  # noqa: S603  # the caller's own program
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(name, lambda number, _frame: child.send_signal(number))
    while child.poll() is None:
        if os.getppid() != parent:
            child.send_signal(stop)
            return child.wait()
        time.sleep(POLL_SECONDS)
    return child.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
