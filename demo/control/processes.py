"""Processes as the kernel shows them, so that nothing is ended that is not ours. Needs Linux."""

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path


def wait_until(true, seconds):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@dataclass
class Process:
    """A line of /proc/PID/stat. A process id alone is no name: it is used again after its process is gone."""

    pid: int
    parent: int
    group: int
    started: str
    zombie: bool


def process(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat[stat.rindex(")") + 2 :].split()
    return Process(int(pid), int(fields[1]), int(fields[2]), fields[19], fields[0] in "ZX")


def processes():
    found = (process(name) for name in os.listdir("/proc") if name.isdigit())
    return [one for one in found if one and not one.zombie]


def boot():
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def family(leader):
    """The leader's group and everything below it. PostgreSQL's children leave the group, so it takes both."""
    everyone = processes()
    found = {one.pid: one for one in everyone if one.group == leader or one.pid == leader}
    grew = True
    while grew:
        below = {one.pid: one for one in everyone if one.parent in found and one.pid not in found}
        found.update(below)
        grew = bool(below)
    return list(found.values())


def same(one):
    now = process(one.pid)
    return now is not None and now.started == one.started and not now.zombie


def reap():
    """Where this program is the parent, the dead stay until somebody asks for them."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def gone(members):
    reap()
    return not any(same(one) for one in members)


def end(members, how, seconds):
    for one in members:
        if same(one):
            with contextlib.suppress(ProcessLookupError):
                os.kill(one.pid, how)
    return wait_until(lambda: gone(members), seconds)
