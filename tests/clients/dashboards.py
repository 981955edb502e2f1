"""The compose profile `bi`: its files fit together, and each statement of its dashboard answers as of a real PostgreSQL.

The dashboard's statements are expanded as Grafana does and sent by the simple protocol, as Grafana does.
"""

import datetime
import json
import re
import subprocess
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import psycopg2
import yaml
from psycopg.pq import ExecStatus

from checks import contains, equal
from dashboards_macros import Window, expand
from gateway import DATABASE, PASSWORD, SOURCES, USER, VIEWS
from mirror import mirrored
from pairs import same

ROOT = Path(__file__).resolve().parents[2]
BI = ROOT / "docker" / "bi"
PROFILE = "bi"
GATEWAY = "spanwire"
# Where the dashboard lies in Grafana's container.
DASHBOARDS = "/var/lib/grafana/dashboards"
NUMBERS = (20, 21, 23, 700, 701, 1700)
TIMES = (1114, 1184)
TEXT = 25
# What Redash asks for its schema browser (query_runner/pg.py); the gateway's own schema is left out, and the rows have an order.
REDASH_SCHEMA = """
    SELECT * FROM (SELECT s.nspname AS table_schema, c.relname AS table_name, a.attname AS column_name, NULL AS data_type
    FROM pg_class c JOIN pg_namespace s ON c.relnamespace = s.oid AND s.nspname NOT IN ('pg_catalog', 'information_schema')
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind = 'm' AND has_table_privilege(quote_ident(s.nspname) || '.' || quote_ident(c.relname), 'select')
      AND has_schema_privilege(s.nspname, 'usage')
    UNION
    SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns
    WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
      AND has_table_privilege(quote_ident(table_schema) || '.' || quote_ident(table_name), 'select')
      AND has_schema_privilege(table_schema, 'usage')) AS found WHERE table_schema <> 'spanwire' ORDER BY 1, 2, 3"""


def run(report, demo):
    """A check for each panel, and some for the files."""
    report.run("dashboards: docker-compose.yml and what it mounts", check_compose)
    report.run("dashboards: Grafana's provisioning", check_grafana)
    report.run("dashboards: Metabase is set up once, with a database that connects", check_metabase, demo)
    report.run("dashboards: Redash is set up once, with a data source that connects", check_redash, demo)
    with mirrored(demo) as (own, theirs):
        compare(report, own, theirs)


def compare(report, own, theirs):
    """Each statement of the dashboard on both places; the mirror gets the gateway's views, and loses them at the end."""
    with own.connect() as gateway, theirs.connect() as postgres:
        gateway.execute("SET client_min_messages = warning")
        for view in VIEWS:
            definition = gateway.execute("SELECT pg_get_viewdef(%s::regclass)", (f"public.{view}",)).fetchone()[0]
            postgres.execute(f"CREATE VIEW public.{view} AS {definition}")
        try:
            latest = postgres.execute("SELECT max(created_at) FROM spanlens.requests").fetchone()[0]
            for one in dashboard()["templating"]["list"]:
                report.run(f"dashboards: variable {one['name']}", _variable, one, gateway, postgres, latest)
            for panel in dashboard()["panels"]:
                report.run(f"dashboards: {panel['title']}", _panel, panel, gateway, postgres, latest)
            report.run("dashboards: Redash's schema browser", _redash_schema, gateway, postgres)
        finally:
            for view in VIEWS:
                postgres.execute(f"DROP VIEW public.{view}")


def dashboard():
    """The dashboard's JSON."""
    return json.loads((BI / "grafana" / "dashboards" / "llm.json").read_text(encoding="utf-8"))


# --- the dashboard's statements

def _cases(latest, values):
    """Time range, and values of the variables: wide with all values first, then narrower ones."""
    day = datetime.timedelta(days=1)
    few = {"source": ["spanlens", "trulayer"], "provider": values["provider"][:1] + ["o'none"]}
    yield Window(latest, 30 * day, "12h"), values
    yield Window(latest, 7 * day, "30m"), values
    yield Window(latest, day, "1m"), values
    yield Window(latest, 7 * day, "2h"), few


def _variable(variable, gateway, postgres, latest):
    equal((variable["multi"], variable["includeAll"], variable["definition"]), (True, True, variable["query"]), "settings")
    window = Window(latest, datetime.timedelta(days=7), "2h")
    columns, rows = _both(expand(variable["query"], window, {}), gateway, postgres)
    equal([kind for _, kind in columns], [TEXT if variable["name"] == "provider" else 19], "one column of names")
    if variable["name"] == "source":
        equal(rows, [(source,) for source in SOURCES], "values")
    equal(len(rows) > 1, True, "there are values")


def _panel(panel, gateway, postgres, latest):
    (target,) = panel["targets"]
    equal((target["editorMode"], target["rawQuery"]), ("code", True), "the editor keeps the statement")
    values = {"source": SOURCES, "provider": sorted(
        row[0] for row in postgres.execute("SELECT DISTINCT provider FROM spanlens.requests").fetchall())}
    counts = []
    for window, chosen in _cases(latest, values):
        statement = expand(target["rawSql"], window, chosen)
        equal(re.findall(r"\$\w*", statement), [], "what is left of variables and macros")
        with postgres.transaction(force_rollback=True):
            if "FROM anomalies" in statement:
                _export_anomalies(gateway, postgres, window)
            columns, rows = _both(statement, gateway, postgres)
        counts.append(len(rows))
        _drawable(panel, target["format"], columns, rows)
    equal(counts[0] > 0, True, "the widest range has rows")
    return f"{', '.join(map(str, counts))} rows"


def _redash_schema(gateway, postgres):
    _, rows = _both(REDASH_SCHEMA, gateway, postgres)
    equal(sorted({row[0] for row in rows}), sorted(["public", *SOURCES]), "schemas")


def _export_anomalies(gateway, postgres, window):
    """Gives the mirror the anomalies of a time range: upstream selects them by a time that it does not show."""
    postgres.execute("DELETE FROM spanlens.anomalies")
    bounded = f"SELECT * FROM spanlens.anomalies WHERE detected_at >= '{window.start.isoformat()}'"
    with gateway.cursor().copy(f"COPY ({bounded}) TO STDOUT (FORMAT binary)") as source, \
            postgres.cursor().copy("COPY spanlens.anomalies FROM STDIN (FORMAT binary)") as target:
        for data in source:
            target.write(data)


def _both(statement, gateway, postgres):
    """Columns and rows, which must be the same on both."""
    own, theirs = (_simple(connection, statement) for connection in (gateway, postgres))
    same(own, theirs, statement)
    return own


def _simple(connection, statement):
    """Names and types of the columns, and the rows as they are on the wire."""
    result = connection.pgconn.exec_(statement.encode())
    if result.status != ExecStatus.TUPLES_OK:
        raise AssertionError(f"{result.error_message.decode()}\n{statement}")
    # Grafana skips a result whose tag is another.
    contains(result.command_status.decode(), "SELECT ")
    columns = [(result.fname(at).decode(), result.ftype(at)) for at in range(result.nfields)]
    rows = [tuple(_text(result.get_value(row, at)) for at in range(result.nfields)) for row in range(result.ntuples)]
    return columns, rows


def _text(value):
    return None if value is None else value.decode()


def _drawable(panel, form, columns, rows):
    """Grafana can show it: times ascend in a series, and what the panel names is a column or a series."""
    names, kinds = [name for name, _ in columns], dict(columns)
    for override in panel["fieldConfig"]["overrides"]:
        contains(names, override["matcher"]["options"])
    if "xField" in panel["options"]:
        equal((panel["options"]["xField"], kinds[panel["options"]["xField"]]), (names[0], TEXT), "what the bars are of")
    if form == "table":
        return
    equal((form, names[0]), ("time_series", "time"), "a series begins with its time")
    contains(NUMBERS + TIMES, kinds["time"])
    values = names[2:] if "metric" in names else names[1:]
    if "metric" in names:
        equal((names[1], kinds["metric"], len(values)), ("metric", TEXT, 1), "a series of several names")
    for name in values:
        contains(NUMBERS, kinds[name])
    order = [(float(row[0]), row[1]) if "metric" in names else float(row[0]) for row in rows]
    equal(order, sorted(set(order)), "each time once, ascending")


# --- the files

def _yaml(*parts):
    return yaml.safe_load(ROOT.joinpath(*parts).read_text(encoding="utf-8"))


def check_compose():
    """Names, versions, ports and mounts; nothing of the profile starts without it, and nothing listens beyond this machine."""
    services = _yaml("docker-compose.yml")["services"]
    equal([name for name, service in services.items() if "profiles" not in service], [GATEWAY], "what starts without a profile")
    published = []
    for name, service in services.items():
        if name != GATEWAY:
            equal(service["profiles"], [PROFILE], f"profiles of {name}")
            pinned = re.fullmatch(r"[a-z/]+:v?\d+\.\d+(\.\d+)?(-alpine)?", service["image"])
            equal(bool(pinned), True, f"{service['image']} is a version")
        for port in service.get("ports", []):
            address, outside, _ = port.split(":")
            equal(address, "127.0.0.1", f"address of {name}")
            published.append(outside)
        for mount in service.get("volumes", []):
            source, _, mode = mount.split(":")
            equal((ROOT.joinpath(source).is_dir(), mode), (True, "ro"), f"{source} of {name}")
        for other, wanted in service.get("depends_on", {}).items():
            kept_up = "healthcheck" in services[other]
            expected = "service_healthy" if kept_up else "service_completed_successfully"
            equal(wanted["condition"], expected, f"what {name} waits for at {other}")
    equal(sorted(published), sorted(set(published)), "ports")
    for name in ("grafana", "metabase", "redash"):
        contains(services[name], "healthcheck")
        page = (ROOT / "docs" / "clients" / f"{name}.md").read_text(encoding="utf-8")
        contains(page, f"http://{services[name]['ports'][0].rsplit(':', 1)[0]}")
        contains(page, f"docker compose --profile {PROFILE} up")
    # Every script and file that a command names is there.
    for name, folder in (("metabase-setup", "metabase"), ("redash-setup", "redash")):
        equal(services[name]["volumes"], [f"./docker/bi/{folder}:/setup:ro"], f"mounts of {name}")
        equal(BI.joinpath(folder, Path(services[name]["command"][1]).name).is_file(), True, f"the script of {name}")


def check_grafana():
    """The data source is the gateway and the one that the dashboard asks; the dashboard lies where it is looked for."""
    (source,) = _yaml("docker", "bi", "grafana", "provisioning", "datasources", "spanwire.yaml")["datasources"]
    equal((source["type"], source["url"], source["user"], source["secureJsonData"]), (
        "grafana-postgresql-datasource", f"{GATEWAY}:{_port()}", USER, {"password": PASSWORD}), "data source")
    equal((source["jsonData"]["database"], source["jsonData"]["sslmode"]), (DATABASE, "disable"), "data source")
    places = [panel["datasource"] for panel in dashboard()["panels"]]
    places += [target["datasource"] for panel in dashboard()["panels"] for target in panel["targets"]]
    places += [variable["datasource"] for variable in dashboard()["templating"]["list"]]
    equal({(place["type"], place["uid"]) for place in places}, {(source["type"], source["uid"])}, "data sources of the dashboard")
    identities = [panel["id"] for panel in dashboard()["panels"]]
    equal(sorted(identities), sorted(set(identities)), "ids of the panels")
    (provider,) = _yaml("docker", "bi", "grafana", "provisioning", "dashboards", "spanwire.yaml")["providers"]
    equal((provider["type"], provider["options"]["path"]), ("file", DASHBOARDS), "provider")
    service = _yaml("docker-compose.yml")["services"]["grafana"]
    mounts = {inside: outside for outside, inside, _ in (mount.split(":") for mount in service["volumes"])}
    places = [DASHBOARDS, *(f"/etc/grafana/provisioning/{kind}" for kind in ("dashboards", "datasources"))]
    equal(sorted(mounts), sorted(places), "mounts")
    for inside in places[1:]:
        equal(mounts[inside], f"./docker/bi/grafana/provisioning/{Path(inside).name}", f"what lies at {inside}")
    home = Path(service["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    equal((str(home.parent), (ROOT / mounts[DASHBOARDS] / home.name).is_file()), (DASHBOARDS, True), "first page")


def _port():
    """The gateway's port inside the network of the containers."""
    return int(_yaml("docker-compose.yml")["services"][GATEWAY]["ports"][0].rsplit(":", 1)[1])


def check_metabase(demo):
    """Its script, run twice against what stands for Metabase's API."""
    body = json.loads((BI / "metabase" / "database.json").read_text(encoding="utf-8"))
    with _Metabase() as metabase:
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, "-B", BI / "metabase" / "setup.py", metabase.url],
                capture_output=True, text=True, timeout=60, check=False)
            equal((done.returncode, done.stderr), (0, ""), "setup.py")
        equal(metabase.faults, [], "what the API refused")
        equal(metabase.databases, [{**body, "id": 1}], "databases")
    details = body["details"]
    place = (body["engine"], details["host"], details["port"], details["ssl"])
    equal(place, ("postgres", GATEWAY, _port(), False), "database.json")
    with psycopg.connect(host="127.0.0.1", port=demo.port, sslmode="disable",
                         **{name: details[name] for name in ("user", "password", "dbname")}) as connection:
        equal(connection.execute("SELECT current_user::text, current_database()::text").fetchone(), (USER, DATABASE), "who")


class _Metabase:
    """The part of Metabase's API that a set-up needs: it takes one first user, and a session for all else."""

    def __init__(self):
        self.user, self.databases, self.faults = None, [], []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            """One call."""

            def do_GET(self):  # pylint: disable=invalid-name,missing-function-docstring
                self._answer()

            do_POST = do_GET

            def _answer(self):
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "null")
                path = urllib.parse.urlsplit(self.path).path
                status, answer = outer.answer(self.command, path, body, self.headers.get("X-Metabase-Session"))
                if status != 200:
                    outer.faults.append((self.command, path, status))
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):  # pylint: disable=arguments-differ
                """Nothing: the checks tell what matters."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, method, path, body, session):
        """Status and body."""
        if (method, path) == ("GET", "/api/session/properties"):
            return 200, {"has-user-setup": bool(self.user), "setup-token": None if self.user else "first"}
        if (method, path) == ("POST", "/api/setup"):
            return self._first_user(body)
        if (method, path) == ("POST", "/api/session"):
            right = self.user and (body["username"], body["password"]) == (self.user["email"], self.user["password"])
            return (200, {"id": "open"}) if right else (401, {})
        if path != "/api/database" or session != "open":
            return (401 if session != "open" else 404), {}
        if method == "POST":
            self.databases.append({**body, "id": len(self.databases) + 1})
            return 200, self.databases[-1]
        return 200, {"data": self.databases, "total": len(self.databases)}

    def _first_user(self, body):
        # Metabase's own rules: once, with the token; a password of six characters with a digit.
        password = body["user"]["password"]
        valid = "@" in body["user"]["email"] and len(password) >= 6 and any(letter.isdigit() for letter in password)
        if self.user or body["token"] != "first" or not body["prefs"]["site_name"] or not valid:
            return 403 if self.user else 400, {}
        self.user = body["user"]
        return 200, {"id": "open"}


# What stands for Redash's manage.py: keeps its users and data sources in a file, and lists them in Redash's words.
MANAGE = '''#!{python}
import json, pathlib, sys
place = pathlib.Path("state.json")
state = json.loads(place.read_text()) if place.exists() else {{"users": [], "ds": []}}
kind, verb, *rest = sys.argv[1:]
if verb == "list":
    for one in state[kind]:
        print("Id: 1\\nName: " + one[0] + "\\nEmail: " + one[1] if kind == "users" else "Id: 1\\nName: " + one[0] + "\\nType: pg")
elif verb == "create_root":
    email, name, flag, password = rest
    assert flag == "--password" and password and email not in [one[1] for one in state["users"]]
    state["users"].append([name, email])
elif verb == "new":
    name, flag, type, other, options = rest
    assert (flag, other) == ("--type", "--options")
    state["ds"].append([name, type, json.loads(options)])
else:
    assert (kind, verb) == ("ds", "test") and rest in [[one[0]] for one in state["ds"]]
place.write_text(json.dumps(state))
'''


def check_redash(demo):
    """Its script, run twice beside what stands for manage.py."""
    place = demo.directory()
    manage = place / "manage.py"
    manage.write_text(MANAGE.format(python=sys.executable), encoding="utf-8")
    manage.chmod(0o755)
    for _ in range(2):
        done = subprocess.run(
            ["sh", BI / "redash" / "setup.sh"], cwd=place, capture_output=True, text=True, timeout=60, check=False)
        equal((done.returncode, done.stderr), (0, ""), "setup.sh")
    options = json.loads((BI / "redash" / "datasource.json").read_text(encoding="utf-8"))
    state = json.loads((place / "state.json").read_text(encoding="utf-8"))
    equal(state, {"users": [["demo", "demo@example.com"]], "ds": [["spanwire", "pg", options]]}, "what Redash knows")
    equal((options["host"], options["port"]), (GATEWAY, _port()), "datasource.json")
    connection = psycopg2.connect(**options | {"host": "127.0.0.1", "port": demo.port})
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT current_user::text, current_database()::text")
        equal(cursor.fetchone(), (USER, DATABASE), "who")
    finally:
        connection.close()
