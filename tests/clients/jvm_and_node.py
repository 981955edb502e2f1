"""node-postgres and pgjdbc: each a small program beside this file, whose printed lines are compared."""

import datetime
import json
import os
import subprocess
from pathlib import Path

from checks import equal
from drivers import TABLES, newest, provider_count
from gateway import DATABASE, PASSWORD, SCHEMAS, USER, VIEWS

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
HERE = Path(__file__).parent
NODE_PACKAGES = {"pg": "8.23.1", "pg-cursor": "2.22.0", "pg-query-stream": "4.17.0", "postgres": "3.4.9"}
JDBC_JAR = "/usr/share/java/postgresql.jar"


def check_node_postgres(demo):
    found = _program(["node", HERE / "client.js", str(demo.port)], {"NODE_PATH": node_modules()})
    equal(found["newest"], _newest_as_json(demo), "rows")
    # int8 does not fit JavaScript's numbers, so the driver leaves it as text.
    equal(found["parameters"], str(provider_count(demo, "openai", 1000)), "parameters")
    equal(found["named"], [str(provider_count(demo, name, 0)) for name in ("openai", "gemini")], "named statement")
    equal(found["types"], [25, 20, 701, 25, 1184, 16], "types")
    equal(found["error"], ["42703", 'column "nope" does not exist'], "error")
    equal(found["after"], "still here", "query after the error")
    equal(found["concurrent"], [str(provider_count(demo, name, -1)) for name in ("openai", "groq", "mistral")], "pool")


def check_pgjdbc(demo):
    classpath = {"CLASSPATH": JDBC_JAR}
    found = _program(["java", HERE / "Client.java", str(demo.port)], classpath)
    equal(found["newest"], _newest_as_json(demo), "rows")
    equal(found["parameters"], [provider_count(demo, "openai", latency * 300) for latency in range(8)], "parameters")
    equal(found["types"], ["text", "int8", "float8", "text", "timestamptz", "bool"], "types")
    equal(found["tables"], [f"spanlens.{name} TABLE" for name in TABLES], "getTables")
    equal(found["columns"][:2] + found["columns"][-1:], ["id text 0", "project_id text 0", "extra jsonb 1"],
          "getColumns")
    equal(found["key"], ["id requests_pkey"], "getPrimaryKeys")
    equal(found["schemas"], sorted([*SCHEMAS, "information_schema", "pg_catalog"]), "getSchemas")
    equal(found["views"], [f"public.{name} VIEW" for name in VIEWS], "getTables of views")
    # A fetch size makes the driver suspend its portal after each 100 rows.
    equal(found["fetched"], len(demo.rows("requests")), "rows by fetch size")
    equal(found["error"], ["42703", 'ERROR: column "nope" does not exist'], "error")
    equal(found["readonly"], "25006", "code of a write")


def _newest_as_json(demo):
    """Rows as both programs print them: int8 as text, times in whole ms since 1970."""
    return [[row[0], str(row[1]), row[2], row[3], _milliseconds(row[4]), row[5]] for row in newest(demo)]


def _milliseconds(moment):
    return (moment - EPOCH) // datetime.timedelta(milliseconds=1)


def _program(command, settings):
    """Runs a program that prints one JSON object."""
    connection = {"PGUSER": USER, "PGPASSWORD": PASSWORD, "PGDATABASE": DATABASE, "PGHOST": "127.0.0.1"}
    done = subprocess.run(
        command, env=os.environ | connection | settings, capture_output=True, text=True, timeout=100, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{Path(command[1]).name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def node_modules():
    """Where Node's packages are installed, outside the checkout; installs them the first time."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "spanwire" / "node"
    if any(_version(cache, package) != wanted for package, wanted in NODE_PACKAGES.items()):
        cache.mkdir(parents=True, exist_ok=True)
        wanted = [f"{package}@{version}" for package, version in NODE_PACKAGES.items()]
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--silent", "--no-save", "--prefix", cache, *wanted], check=True,
            timeout=100)
    return str(cache / "node_modules")


def _version(cache, package):
    path = cache / "node_modules" / package / "package.json"
    return json.loads(path.read_text())["version"] if path.exists() else None
