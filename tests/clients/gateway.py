"""Starts and stops the program under test: `demo` and `serve`."""

import json
import re
import subprocess
import tempfile
import threading
import urllib.request
from pathlib import Path

from checks import wait_until

USER = "demo"
PASSWORD = "demo"
DATABASE = "spanwire"
TOKEN = "demo-token"
SOURCES = ["adaline", "respan", "scale", "spanlens", "trulayer"]
# What a client's list of schemas shows, without the system's own.
SCHEMAS = sorted([*SOURCES, "public", "spanwire"])
# The views over all sources.
VIEWS = ["anomalies", "requests", "security", "spans", "traces"]


class Program:
    """A running gateway; what it prints is collected as it comes, so that its pipe never fills up."""

    def __init__(self, binary, *arguments):
        self.lines = []
        self.process = subprocess.Popen(
            [binary, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def output(self):
        """Everything printed so far."""
        return "".join(self.lines)

    def find(self, pattern):
        """The first group of the pattern, waiting until it is printed."""
        def look():
            match = re.search(pattern, self.output())
            if not match and self.process.poll() is not None:
                raise RuntimeError(f"the gateway ended with {self.process.returncode}:\n{self.output()}")
            return match
        return wait_until(look, f"{pattern} in the gateway's output").group(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(5)


class Demo(Program):
    """`spanwire demo`, and the answers of the upstreams that it embeds.

    `limits` has the calls a minute of upstreams beside Spanlens, by name; further arguments are passed on.
    """

    def __init__(self, binary, *arguments, calls_per_minute=0, rows=3000, limits=None):
        limited = [part for name, calls in (limits or {}).items() for part in ("--upstream-limit", f"{name}={calls}")]
        super().__init__(
            binary, "demo", "--port", 0, "--rows", rows, "--seed", 7, "--calls-per-minute", calls_per_minute,
            *limited, *arguments)
        self.binary = binary
        self.port = int(self.find(r"port=(\d+) "))
        self.upstreams = dict(re.findall(r"upstream (\w+) at (http://\S+)", self.output()))
        self.upstream = self.upstreams["spanlens"]
        self.scratch = tempfile.TemporaryDirectory(prefix="spanwire-test-")
        self._tables = {}

    def __exit__(self, *exception):
        super().__exit__(*exception)
        self.scratch.cleanup()

    def directory(self):
        """A new directory, gone when the demo ends."""
        return Path(tempfile.mkdtemp(dir=self.scratch.name))

    def write_config(self, tls=""):
        """Writes a configuration for `serve` with this upstream and one user; returns its path."""
        path = self.directory() / "spanwire.toml"
        path.touch(mode=0o600)
        path.write_text(
            f'listen = "127.0.0.1:0"\n{tls}\n'
            f'[[source]]\nname = "spanlens"\nkind = "spanlens"\nbase_url = "{self.upstream}"\n'
            f'credential = "{TOKEN}"\nquota = {{ calls = 1000000, per = "1m" }}\n'
            f'[[user]]\nname = "{USER}"\npassword = "{PASSWORD}"\n', encoding="utf-8")
        return path

    def rows(self, table):
        """The rows of a table as the upstream sends them: what the gateway's answers are measured against."""
        if table not in self._tables:
            url = f"{self.upstream}/api/v1/exports/{table}?format=json&limit=10000"
            request = urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}"})
            with urllib.request.urlopen(request, timeout=30) as answer:
                body = json.load(answer)
            self._tables[table] = body["data"] if isinstance(body, dict) else body
        return self._tables[table]


class Serve(Program):
    """`spanwire serve` with a configuration of its own, on a free port."""

    def __init__(self, binary, config):
        super().__init__(binary, "serve", "--config", config)
        self.port = int(self.find(r'"message":"ready","address":"127\.0\.0\.1:(\d+)"'))
