"""Puts the programs and packages on the machine that the shop needs. Starts nothing."""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from control.files import lock, write
from control.terminal import Problem, say

DEMO = Path(__file__).resolve().parent.parent
REPOSITORY = DEMO.parent
VENV = DEMO / ".venv"
PYTHON = VENV / "bin" / "python"
# Apart from the shop's, which pins older versions of what these need.
VENV_OF_TESTS = DEMO / ".venv-tests"


def postgres_program(name):
    """Debian keeps the server's programs outside of PATH, one folder for each version."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda f: (f.parent.name == "15", f.parent.name))
    for folder in reversed(folders):
        if (folder / name).exists():
            return str(folder / name)
    return shutil.which(name)


def program(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/local/bin:/usr/bin:/usr/sbin")
    if not found:
        raise Problem(f"{name} is not installed: run demo/ctl install")
    return found


def missing_packages(for_tests):
    missing = []
    if not postgres_program("initdb") or not postgres_program("psql"):
        missing.append("postgresql-15")
    path = os.environ.get("PATH", "") + ":/usr/bin:/usr/sbin"
    alertmanager = "prometheus-alertmanager"
    wanted = {"redis-server": "redis-server", "prometheus": "prometheus", alertmanager: alertmanager}
    if for_tests:
        wanted |= {"chromium": "chromium", "chromedriver": "chromium-driver", "faketime": "faketime"}
    missing += [package for name, package in wanted.items() if not shutil.which(name, path=path)]
    # Without a font Chromium draws boxes.
    if for_tests and not any(Path("/usr/share/fonts").rglob("*.ttf")):
        missing.append("fonts-dejavu-core")
    probe = subprocess.run([sys.executable, "-c", "import ensurepip, venv"], capture_output=True)
    if probe.returncode:
        missing.append("python3-venv")
    return missing


@contextlib.contextmanager
def no_services_started():
    """Debian starts a service as soon as it is installed. The demo wants the programs only."""
    policy = Path("/usr/sbin/policy-rc.d")
    before = (policy.read_bytes(), policy.stat().st_mode) if policy.exists() else None
    clusters = Path("/etc/postgresql-common/createcluster.d")
    cluster = clusters / "signalbox-demo.conf"
    made_folder = not clusters.exists()
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    clusters.mkdir(parents=True, exist_ok=True)
    cluster.write_text("create_main_cluster = false\n")
    try:
        yield
    finally:
        cluster.unlink()
        if made_folder:
            with contextlib.suppress(OSError):
                clusters.rmdir()
        if before:
            policy.write_bytes(before[0])
            policy.chmod(before[1])
        else:
            policy.unlink()


def install_packages(packages):
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Problem(
            "These programs are missing. Install these Debian packages, or what your system calls them, and try "
            "again:\n  " + " ".join(packages)
        )
    say("installing " + " ".join(packages))
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Options::=--force-confold"]
    # Two checkouts may install at the same time.
    with lock("/run/signalbox-demo-install.lock"), no_services_started():
        for arguments in (["update"], ["install", "--no-install-recommends", *packages]):
            done = subprocess.run(
                apt + arguments, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
            )
            if done.returncode:
                raise Problem(f"apt-get {arguments[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        if Path("/run/systemd/system").exists():
            # Else they would start with the next boot of the machine.
            units = [p for p in ("redis-server", "prometheus", "prometheus-alertmanager") if p in packages]
            if "postgresql-15" in packages:
                units.append("postgresql")
            subprocess.run(["systemctl", "disable", *units], capture_output=True)


def install(for_tests=False):
    """What only the tests need is much (a browser), so the demo does without it."""
    with lock(DEMO / ".install.lock"):
        packages = missing_packages(for_tests)
        if packages:
            install_packages(packages)
        install_python(VENV, DEMO / "requirements.txt", "the shop's Python packages")
        if for_tests:
            requirements = REPOSITORY / "tests" / "official" / "requirements.txt"
            install_python(VENV_OF_TESTS, requirements, "the platforms' own clients")


def install_python(venv, requirements, what):
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode() + str(venv).encode()).hexdigest()
    stamp = venv / "installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say(f"installing {what}")
    subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
    pip = [venv / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", requirements]
    if subprocess.run(pip).returncode:
        raise Problem(f"{what} could not be installed")
    write(stamp, wanted)


def build():
    """Asks cargo where the program is: the target folder may be anywhere."""
    say("building signalbox")
    argv = ["cargo", "build", "--bin", "signalbox", "--message-format=json-render-diagnostics"]
    try:
        done = subprocess.run(argv, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    except FileNotFoundError:
        raise Problem("cargo is not installed: see https://rustup.rs") from None
    if done.returncode:
        raise Problem("signalbox could not be built")
    for line in done.stdout.splitlines():
        message = json.loads(line) if line.startswith("{") else {}
        if message.get("executable") and message.get("target", {}).get("name") == "signalbox":
            return message["executable"]
    raise Problem("cargo built no signalbox")
