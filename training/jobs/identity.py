"""Which process is meant: a process number may be reused, so its start and the machine's boot go with it."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class ProcessIdentity:
    """A process that a later process of the same number cannot be taken for."""

    pid: int
    started: str
    """When it started: clock ticks since boot on Linux (no change of the clock moves them), else seconds."""
    boot: str

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity | None:
        """The identity of the living process `pid`, or None where there is none (a zombie is none)."""
        try:
            if pid <= 0 or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return None
            return cls(pid, _started(pid), boot_id())
        except (psutil.Error, OSError, ValueError):
            return None

    @classmethod
    def current(cls) -> ProcessIdentity:
        """The identity of this process."""
        return cls(os.getpid(), _started(os.getpid()), boot_id())

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return self.boot == boot_id() and ProcessIdentity.of(self.pid) == self

    def signal_group(self, number: signal.Signals) -> bool:
        """Send a signal to the group that this process leads; False where it is no longer there."""
        if not self.alive:
            return False
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True


@cache
def boot_id() -> str:
    """A name for this boot of the machine."""
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else str(int(psutil.boot_time()))


def _started(pid: int) -> str:
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return repr(psutil.Process(pid).create_time())
    return stat.read_text().rsplit(")", 1)[1].split()[19]
