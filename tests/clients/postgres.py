"""A PostgreSQL cluster of our own in a temporary directory."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg

from checks import wait_until

SETTINGS = {
    "TimeZone": "UTC",
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "log_min_messages": "fatal",
    "unix_socket_directories": "",
}


class Postgres:
    """Starts with `initdb`; stopped by its process id and removed at the end."""

    def __init__(self):
        self.bin = _newest_bin()
        self.directory = Path(tempfile.mkdtemp(prefix="spanwire-oracle-"))
        self.process = None
        self.port = None

    def __enter__(self):
        # The server refuses to run as root.
        if os.geteuid() == 0:
            shutil.chown(self.directory, "postgres", "postgres")
        # Sorts by bytes, as C does, and knows the case of letters beyond ASCII: what the gateway's pg_database says.
        self._as_owner(
            "initdb", "--locale", "C.UTF-8", "-E", "UTF8", "-A", "trust", "-U", "postgres", "-D", self._data())
        self.port = _free_port()
        options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        self.process = subprocess.Popen(
            [self.bin / "postgres", "-D", self._data(), "-p", str(self.port), *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **_owner())
        wait_until(self._answers, "PostgreSQL's start", 60)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)  # the fast shutdown
        try:
            self.process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        shutil.rmtree(self.directory, ignore_errors=True)

    def connect(self):
        """A connection of psycopg in autocommit."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="postgres", dbname="postgres", autocommit=True, connect_timeout=10)

    def _data(self):
        return str(self.directory / "data")

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended: {self.process.stderr.read()}")
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _as_owner(self, program, *arguments):
        done = subprocess.run(
            [self.bin / program, *arguments], cwd=self.directory, capture_output=True, text=True, check=False,
            **_owner())
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stderr}")


def _owner():
    """Whom the cluster's programs run as: Debian's user postgres when we are root, else ourselves."""
    if os.geteuid() != 0:
        return {}
    postgres = pwd.getpwnam("postgres")
    return {"user": postgres.pw_uid, "group": postgres.pw_gid, "extra_groups": []}


def _newest_bin():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    if not found:
        raise RuntimeError("no PostgreSQL server below /usr/lib/postgresql; install Debian's package postgresql")
    return found[-1].parent


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
