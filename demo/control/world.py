"""A world is one state folder: with ports, passwords and processes of its own, so several can run at once."""

import base64
import contextlib
import hashlib
import json
import os
import pwd
import random
import secrets
import shlex
import shutil
import signal
import socket
import string
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from control import redis
from control.files import lock, write
from control.install import DEMO, PYTHON, REPOSITORY, build, install, postgres_program, program
from control.processes import boot, end, family, gone, process, processes, reap, wait_until
from control.terminal import Problem, say

SHOP = DEMO / "shop"
SHOP_SERVICES = ["postgres", "redis", "supplier", "alertmanager", "prometheus", "web", "worker"]
SERVICES = [*SHOP_SERVICES, "signalbox"]
# Outside of the range from which the system hands out ports by itself, so that a port stays ours between two starts.
PORTS = range(20000, 32000)


@dataclass
class Service:
    name: str
    argv: list
    ready: Callable[[], bool]
    cwd: Path
    env: dict = field(default_factory=dict)
    user: str = None
    stop: signal.Signals = signal.SIGTERM
    patience: int = 30


class World:
    def __init__(self, state):
        self.state = Path(state).resolve()
        self.logs = self.state / "logs"
        self.run = self.state / "run"
        name = hashlib.sha256(str(self.state).encode()).hexdigest()[:12]
        # PostgreSQL refuses to run as root, and its own user may not be able to enter the folder of the checkout.
        self.postgres = Path("/var/tmp") / f"signalbox-{name}"
        self.facts = {}

    def create(self):
        for folder in (self.state, self.logs, self.run):
            folder.mkdir(parents=True, exist_ok=True)
        self.state.chmod(0o700)

    def load(self, must_exist=True):
        path = self.state / "world.json"
        if path.exists():
            self.facts = json.loads(path.read_text())
            # A world of an earlier version has no such passwords.
            for name in ("writer", "alerts"):
                self.facts["secrets"].setdefault(name, secrets.token_urlsafe(18))
        elif must_exist:
            raise Problem(f"there is no demo in {self.state}: run demo/ctl up")

    def prepare(self):
        """Chooses ports and passwords at the first start, and keeps them."""
        self.load(must_exist=False)
        if not self.facts:
            self.end_strays()
            shutil.rmtree(self.postgres, ignore_errors=True)
            names = ["database", "owner", "reader", "writer", "admin", "staff", "supplier", "django", "alerts"]
            self.facts = {
                "ports": {},
                "secrets": {name: secrets.token_urlsafe(18) for name in names},
                "key": base64.b64encode(secrets.token_bytes(32)).decode(),
            }
        ports = self.facts["ports"]
        for name in SERVICES:
            if name == "worker" or self.alive(name):
                continue
            if name not in ports or not free(ports[name]):
                others = set(ports.values())
                ports[name] = next(p for p in random.sample(PORTS, 200) if p not in others and free(p))
        self.facts.setdefault("binary", str(REPOSITORY / "target" / "debug" / "signalbox"))
        self.save()

    def save(self):
        write(self.state / "world.json", json.dumps(self.facts, indent=2), 0o600)
        lines = ["# Written by demo/ctl. For a shell: . " + shlex.quote(str(self.state / "env"))]
        lines += [f"export {name}={shlex.quote(value)}" for name, value in self.environment().items()]
        folder = shlex.quote(str(Path(self.facts["binary"]).parent))
        lines.append(f'export PATH={folder}:"$PATH"')
        write(self.state / "env", "\n".join(lines) + "\n", 0o600)
        values = {f"{name}_port": port for name, port in self.facts["ports"].items()}
        values.update(state=self.state, repository=REPOSITORY)
        write(self.state / "alerts.token", self.facts["secrets"]["alerts"], 0o600)
        for name in ("signalbox.toml", "prometheus.yml", "alertmanager.yml"):
            template = string.Template((DEMO / "config" / name).read_text())
            write(self.state / name, template.safe_substitute(values))

    def port(self, name):
        return self.facts["ports"][name]

    def url(self, name):
        return f"http://127.0.0.1:{self.port(name)}"

    def environment(self):
        """What the file `env` tells to everybody."""
        known = self.facts["secrets"]
        redis = f"redis://127.0.0.1:{self.port('redis')}"
        database = f"127.0.0.1:{self.port('postgres')}/shop"
        return {
            "DEMO_STATE": str(self.state),
            "SHOP_URL": self.url("web"),
            "SHOP_DATABASE_URL": f"postgres://signalbox:{known['reader']}@{database}",
            "SHOP_WRITE_DATABASE_URL": f"postgres://signalbox_writer:{known['writer']}@{database}",
            "SHOP_ADMIN_DATABASE_URL": f"postgres://shop:{known['owner']}@{database}",
            "SHOP_REDIS_URL": f"{redis}/0",
            "SHOP_BROKER_URL": f"{redis}/1",
            "SHOP_RESULTS_URL": f"{redis}/2",
            "SHOP_API_USER": "admin@shop.example",
            "SHOP_API_PASSWORD": known["admin"],
            "SHOP_ADMIN_USER": "admin@shop.example",
            "SHOP_ADMIN_PASSWORD": known["admin"],
            "SHOP_STAFF_USER": "staff@shop.example",
            "SHOP_STAFF_PASSWORD": known["staff"],
            "SUPPLIER_URL": self.url("supplier"),
            "SUPPLIER_API_KEY": known["supplier"],
            "PROMETHEUS_URL": self.url("prometheus"),
            "ALERTMANAGER_URL": self.url("alertmanager"),
            "SIGNALBOX_URL": self.url("signalbox"),
            "SIGNALBOX_CONFIG": str(self.state / "signalbox.toml"),
            "SIGNALBOX_KEY": self.facts["key"],
            "SIGNALBOX_ALERTS_TOKEN": known["alerts"],
        }

    def shop_environment(self):
        return {
            **self.environment(),
            "DJANGO_SETTINGS_MODULE": "shop.settings",
            "SHOP_SECRET_KEY": self.facts["secrets"]["django"],
            "SHOP_READER_ROLE": "signalbox",
            "SHOP_WRITER_ROLE": "signalbox_writer",
            # Without a value every eSewa webhook would be an error 500.
            "ESEWA_SECRET": "demo",
            "PYTHONUNBUFFERED": "1",
        }

    def signalbox_environment(self):
        # The bot gets what its config names, not the password of the database's owner.
        environment = self.environment()
        del environment["SHOP_ADMIN_DATABASE_URL"]
        return environment

    # Its services

    def service(self, name):
        return getattr(self, f"service_{name}")()

    def service_postgres(self):
        port = str(self.port("postgres"))
        options = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            # The data can be made again at any time, so nothing waits for the disk.
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": "80",
            "shared_buffers": "32MB",
        }
        argv = [postgres_program("postgres"), "-D", str(self.postgres / "data")]
        for key, value in options.items():
            argv += ["-c", f"{key}={value}"]
        ask = [postgres_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", port]
        return Service(
            "postgres",
            argv,
            ready=lambda: subprocess.run(ask).returncode == 0,
            cwd=self.postgres / "data",
            user="postgres" if os.geteuid() == 0 else None,
            # "Fast": ends the sessions instead of waiting for them.
            stop=signal.SIGINT,
        )

    def service_redis(self):
        port = str(self.port("redis"))
        # Nothing is kept: a restarted Redis is empty.
        argv = [program("redis-server"), "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no"]
        argv += ["--databases", "16", "--dir", str(self.run)]
        return Service("redis", argv, ready=lambda: self.redis("PING") == "PONG", cwd=self.run)

    def service_supplier(self):
        argv = [sys.executable, str(DEMO / "supplier" / "supplier.py"), "--port", str(self.port("supplier"))]
        argv += ["--file", str(self.state / "supplier.json")]
        environment = {"SUPPLIER_API_KEY": self.facts["secrets"]["supplier"], "PYTHONUNBUFFERED": "1"}
        return Service("supplier", argv, self.answers("supplier", "/_admin/mode"), cwd=self.run, env=environment)

    def service_alertmanager(self):
        argv = [program("prometheus-alertmanager"), f"--config.file={self.state / 'alertmanager.yml'}"]
        argv += [f"--web.listen-address=127.0.0.1:{self.port('alertmanager')}", "--cluster.listen-address="]
        argv += [f"--storage.path={self.state / 'alertmanager'}", "--log.level=warn"]
        return Service("alertmanager", argv, self.answers("alertmanager", "/-/ready"), cwd=self.run)

    def service_prometheus(self):
        argv = [program("prometheus"), f"--config.file={self.state / 'prometheus.yml'}"]
        argv += [f"--web.listen-address=127.0.0.1:{self.port('prometheus')}", "--storage.tsdb.retention.time=6h"]
        argv += [f"--storage.tsdb.path={self.state / 'prometheus'}", "--log.level=warn"]
        return Service("prometheus", argv, self.answers("prometheus", "/-/ready"), cwd=self.run)

    def service_web(self):
        argv = [str(PYTHON), "-m", "gunicorn", "--config", "gunicorn.conf.py"]
        argv += ["--bind", f"127.0.0.1:{self.port('web')}", "shop.wsgi"]
        return Service("web", argv, self.answers("web", "/api/health/"), cwd=SHOP, env=self.shop_environment())

    def service_worker(self):
        # Looking for other workers at the start would cost a second, and there are none.
        argv = [str(PYTHON), "-m", "celery", "-A", "shop", "worker", "--concurrency=2", "--loglevel=info"]
        argv += ["--without-mingle"]

        def ready():
            # It is waiting for messages; its own log does not say so.
            return " cmd=brpop " in str(self.redis("CLIENT", "LIST"))

        return Service("worker", argv, ready, cwd=SHOP, env=self.shop_environment())

    def service_signalbox(self):
        argv = [self.facts["binary"], "serve"]
        return Service(
            "signalbox", argv, self.answers("signalbox", "/readyz"), cwd=self.run, env=self.signalbox_environment()
        )

    def answers(self, name, path):
        def ready():
            with contextlib.suppress(OSError), urllib.request.urlopen(self.url(name) + path, timeout=2) as response:
                return response.status == 200
            return False

        return ready

    def wait_for_a_past(self):
        """Some scrapes of Signalbox: of a signal without a past a run proves nothing. Not worth failing for."""
        query = urllib.parse.urlencode({"query": "count_over_time(signalbox_signal[1m]) >= 3"})
        until = time.monotonic() + 30
        while time.monotonic() < until:
            url = f"{self.url('prometheus')}/api/v1/query?{query}"
            with contextlib.suppress(OSError, ValueError), urllib.request.urlopen(url, timeout=2) as response:
                if json.load(response)["data"]["result"]:
                    return
            time.sleep(0.2)

    def redis(self, *words, database="0"):
        """The answer to one command; an empty list if there is no Redis."""
        try:
            return redis.ask(self.port("redis"), words, database)
        except OSError:
            return []

    # Their processes

    def record(self, name):
        return self.run / f"{name}.pid"

    def alive(self, name):
        """The service's first process, if it is still the one that was started here."""
        try:
            pid, started, booted = self.record(name).read_text().split()
        except (OSError, ValueError):
            return None
        one = process(pid)
        if one is None or one.zombie or one.started != started or booted != boot():
            return None
        return one

    def launch(self, name):
        service = self.service(name)
        user = {}
        if service.user:
            account = pwd.getpwnam(service.user)
            user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        keep = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR") if key in os.environ}
        with open(self.logs / f"{name}.log", "ab") as log:
            child = subprocess.Popen(
                service.argv,
                cwd=service.cwd,
                # The mark by which a process is known as part of this world, should its record be lost.
                env={**keep, **service.env, "SIGNALBOX_DEMO_WORLD": str(self.state)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **user,
            )
        # The child is looked after by its number from here on, as it may outlive this program.
        child.returncode = 0
        started = process(child.pid)
        write(self.record(name), f"{child.pid} {started.started if started else 0} {boot()}\n")
        return service

    def await_ready(self, service):
        def ready_or_dead():
            reap()
            return not self.alive(service.name) or service.ready()

        if not wait_until(ready_or_dead, service.patience) or not self.alive(service.name):
            log = self.logs / f"{service.name}.log"
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise Problem(f"{service.name} did not start. The end of {log}:\n{tail}")

    def start(self, *names):
        """All at once, then waits for all."""
        for service in [self.launch(name) for name in names if not self.alive(name)]:
            self.await_ready(service)

    def stop(self, *names, how=None):
        """All at once, then waits for all; who does not listen is killed. Says how many there were."""
        leaders = {name: self.alive(name) for name in names if self.alive(name)}
        members = [one for leader in leaders.values() for one in family(leader.pid)]
        if how == signal.SIGKILL:
            end(members, signal.SIGKILL, 5)
        else:
            for name, leader in leaders.items():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(leader.pid, self.service(name).stop)
            wait_until(lambda: gone(members), 8)
            # Also the children that came meanwhile.
            members += [one for leader in leaders.values() for one in family(leader.pid)]
            end(members, signal.SIGKILL, 5)
        for name in names:
            self.record(name).unlink(missing_ok=True)
        return len(leaders)

    def end_strays(self):
        """Whatever belongs to this world though no record says so: its record was deleted, or its leader died."""
        mark = f"SIGNALBOX_DEMO_WORLD={self.state}".encode()
        homes = (str(self.postgres) + "/", str(self.state) + "/")
        strays = []
        for one in processes():
            if one.pid == os.getpid():
                continue
            with contextlib.suppress(OSError):
                environment = Path(f"/proc/{one.pid}/environ").read_bytes().split(b"\0")
                name = Path(os.readlink(f"/proc/{one.pid}/exe")).name
                home = os.readlink(f"/proc/{one.pid}/cwd") + "/"
                # These two overwrite their environment to show a title.
                if mark in environment or (name in ("postgres", "redis-server") and home.startswith(homes)):
                    strays.append(one)
        if strays:
            end(strays, signal.SIGKILL, 5)
        return len(strays)

    # The whole

    def create_database(self):
        data = self.postgres / "data"
        self.postgres.mkdir(mode=0o711, exist_ok=True)
        # Everybody may write to the folder above it.
        if self.postgres.is_symlink() or self.postgres.lstat().st_uid != os.geteuid():
            raise Problem(f"{self.postgres} belongs to somebody else")
        if data.exists():
            return
        (self.state / "seeded").unlink(missing_ok=True)
        user = {}
        new, password = self.postgres / "new", self.postgres / "password"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        write(password, self.facts["secrets"]["database"], 0o600)
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            for path in (new, password):
                os.chown(path, account.pw_uid, account.pw_gid)
        argv = [postgres_program("initdb"), "-D", new, "-U", "postgres", "--auth=scram-sha-256"]
        argv += [f"--pwfile={password}", "--encoding=UTF8", "--locale=C", "--no-sync"]
        done = subprocess.run(argv, cwd=self.postgres, capture_output=True, text=True, **user)
        password.unlink()
        if done.returncode:
            raise Problem(f"the database could not be created:\n{done.stderr}")
        new.rename(data)

    def create_roles(self):
        known = self.facts["secrets"]
        sql = f"""
            CREATE ROLE shop LOGIN PASSWORD '{known["owner"]}';
            CREATE ROLE signalbox LOGIN PASSWORD '{known["reader"]}';
            CREATE DATABASE shop OWNER shop;
            REVOKE ALL ON DATABASE shop FROM PUBLIC;
            GRANT CONNECT ON DATABASE shop TO signalbox;
        """
        writer = f"""
            CREATE ROLE signalbox_writer LOGIN PASSWORD '{known["writer"]}';
            GRANT CONNECT ON DATABASE shop TO signalbox_writer;
        """
        argv = [postgres_program("psql"), "-q", "-X", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"]
        argv += ["-p", str(self.port("postgres")), "-U", "postgres", "postgres"]
        environment = {**os.environ, "PGPASSWORD": known["database"]}

        def there(question):
            done = subprocess.run([*argv, "-At", "-c", question], env=environment, capture_output=True, text=True)
            return done.stdout.strip() == "1"

        missing = "" if there("SELECT 1 FROM pg_database WHERE datname = 'shop'") else sql
        missing += "" if there("SELECT 1 FROM pg_roles WHERE rolname = 'signalbox_writer'") else writer
        if missing:
            # By standard input: what stands in the arguments can be seen by everybody.
            done = subprocess.run(argv, input=missing, env=environment, capture_output=True, text=True)
            if done.returncode:
                raise Problem(f"the roles of the database could not be created:\n{done.stderr}")

    def manage(self, *arguments, **options):
        environment = {**os.environ, **self.shop_environment()}
        return subprocess.run([PYTHON, SHOP / "manage.py", *arguments], env=environment, **options)

    def seed_stamp(self):
        digest = hashlib.sha256(json.dumps([self.facts["secrets"], self.url("supplier")]).encode())
        sources = [*sorted((SHOP / "store" / "migrations").glob("*.py"))]
        sources.append(SHOP / "store" / "management" / "commands" / "seed.py")
        for path in sources:
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def seed_if_needed(self):
        stamp = self.state / "seeded"
        if stamp.exists() and stamp.read_text() == self.seed_stamp():
            return False
        self.start("postgres", "supplier")
        self.create_roles()
        for command in (["migrate", "--noinput"], ["seed", "--reset"]):
            done = self.manage(*command, capture_output=True, text=True)
            if done.returncode:
                raise Problem(f"manage.py {command[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        write(stamp, self.seed_stamp())
        return True

    def up(self, with_signalbox):
        begun = time.monotonic()
        install()
        if with_signalbox:
            # First of all: when it does not compile, nothing has been started.
            binary = build()
        with self.locked():
            self.prepare()
            if with_signalbox:
                self.facts["binary"] = binary
                self.save()
            before = {name for name in SERVICES if self.alive(name)}
            try:
                self.create_database()
                self.start("redis", "supplier")
                if self.seed_if_needed():
                    say("seeded the shop")
                self.start(*SHOP_SERVICES)
                if with_signalbox:
                    self.start("signalbox")
                    self.wait_for_a_past()
            except BaseException:
                self.stop(*[name for name in SERVICES if name not in before])
                raise
        where = f"open {self.url('signalbox')} in a browser; " if with_signalbox else ""
        say(f"up in {time.monotonic() - begun:.1f} s: {where}in a shell: . {self.state / 'env'}")

    def down(self, wipe=False):
        if not self.state.exists() and not self.postgres.exists():
            return
        with self.locked():
            self.load(must_exist=False)
            stopped = 0
            if self.facts:
                # The users of a service before the service.
                for names in (["signalbox", "web", "worker", "prometheus", "alertmanager"], ["supplier", "redis", "postgres"]):
                    stopped += self.stop(*names)
            stopped += self.end_strays()
        if wipe:
            shutil.rmtree(self.postgres, ignore_errors=True)
            shutil.rmtree(self.state, ignore_errors=True)
        say(f"down: {self.state}" if stopped else f"nothing was running: {self.state}")

    def reset(self):
        with self.locked():
            had_worker = self.stop("worker", how=signal.SIGKILL)
            # Also what waits for a retry, which a worker holds and gives back only after an hour.
            for key in ("celery", "celery\x06\x163", "celery\x06\x166", "celery\x06\x169", "unacked", "unacked_index"):
                self.redis("DEL", key, database="1")
            self.redis("FLUSHDB", database="0")
            self.redis("FLUSHDB", database="2")
            done = self.manage("seed", "--reset", capture_output=True, text=True)
            if done.returncode:
                raise Problem(f"manage.py seed failed:\n{done.stderr[-2000:]}")
            if had_worker:
                self.start("worker")
        say("the shop is as at the beginning")

    @contextlib.contextmanager
    def locked(self):
        self.create()
        with lock(self.state / "ctl.lock"):
            yield

    def status(self):
        for name in SERVICES:
            one = self.alive(name)
            port = self.facts["ports"].get(name)
            where = f"port {port}" if port else ""
            say(f"{name:<11} {'up  ' if one else 'down'} {f'pid {one.pid}' if one else '':<12} {where}".rstrip())
        return 0 if all(self.alive(name) for name in SHOP_SERVICES) else 1


def free(port):
    with socket.socket() as probe:
        # As the servers do it: a connection that has just ended does not count as use.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
