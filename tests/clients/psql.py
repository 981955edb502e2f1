"""psql: its backslash commands, several statements, errors, notices, Ctrl-C."""

import os
import signal
import subprocess
import tempfile
import time

from checks import contains, equal, wait_until
from gateway import DATABASE, PASSWORD, USER, VIEWS, Demo

# The lookback's notice is a check of its own; elsewhere it is noise on stderr.
QUIET = "-c client_min_messages=warning"
SLOW_SQL = "SELECT count(*) FROM spanlens.requests WHERE model = '{}'"

REQUESTS = [
    ("id", "text", "not null"),
    ("project_id", "text", "not null"),
    ("provider", "text", "not null"),
    ("model", "text", "not null"),
    ("prompt_tokens", "bigint", "not null"),
    ("completion_tokens", "bigint", "not null"),
    ("total_tokens", "bigint", "not null"),
    ("cost_usd", "double precision", ""),
    ("latency_ms", "bigint", "not null"),
    ("status_code", "bigint", "not null"),
    ("error_message", "text", ""),
    ("trace_id", "text", ""),
    ("created_at", "timestamp with time zone", "not null"),
    ("provider_key_id", "text", ""),
    ("extra", "jsonb", ""),
]


def environment(password=PASSWORD, options=QUIET):
    """psql's environment: nothing of the caller's own settings, and English."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return own | {"PGPASSWORD": password, "PGOPTIONS": options, "LC_ALL": "C.UTF-8", "PGCONNECT_TIMEOUT": "10"}


def command(port, *arguments, user=USER, more=""):
    """The command line of psql: no startup file, a connection string."""
    target = f"host=127.0.0.1 port={port} user={user} dbname={DATABASE} {more}"
    return ["psql", "-X", "-d", target, *arguments]


def psql(demo, *arguments, stdin=None, user=USER, options=QUIET, password=PASSWORD, fails=None):
    """Runs psql to its end; `fails` is the exit code that is expected. Returns (stdout, stderr)."""
    done = subprocess.run(
        command(demo.port, *arguments, user=user), input=stdin, env=environment(password, options),
        capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != (fails or 0):
        raise AssertionError(f"psql ended with {done.returncode}, expected {fails or 0}:\n{done.stdout}{done.stderr}")
    return done.stdout, done.stderr


def rows(demo, *statements):
    """Rows of backslash commands or SQL, as lists of their cells; titles, headings and footers are left out."""
    arguments = [part for statement in statements for part in ("-c", statement)]
    out, err = psql(demo, "-At", "-F", "\x1f", *arguments)
    equal(err, "", "stderr")
    return [line.split("\x1f") for line in out.splitlines()]


def check_d_lists_the_tables(demo):
    equal(rows(demo, r"\d"), [["public", name, "view", USER] for name in VIEWS])
    tables = [["spanlens", name, "table", USER] for name in ("anomalies", "requests", "security", "traces")]
    equal(rows(demo, r"\dt spanlens.*"), tables)


def check_dt_plus_shows_the_descriptions(demo):
    found = rows(demo, r"\dt+ spanlens.*")
    equal([row[1] for row in found], ["anomalies", "requests", "security", "traces"])
    equal(found[1][-1], "One row per LLM call that went through the Spanlens proxy.")


def check_d_requests(demo):
    out, _ = psql(demo, "-A", "-F", "|", "-c", r"\d spanlens.requests")
    lines = out.splitlines()
    equal(lines[:2], ['Table "spanlens.requests"', "Column|Type|Collation|Nullable|Default"])
    columns = [tuple(line.split("|")) for line in lines[2:17]]
    equal(columns, [(name, kind, "", null, "") for name, kind, null in REQUESTS])
    equal([line.strip() for line in lines[17:]], [
        "Indexes:", '"requests_pkey" PRIMARY KEY, btree (id)', "Foreign-key constraints:",
        '"requests_trace_id_fkey" FOREIGN KEY (trace_id) REFERENCES spanlens.traces(id)'])


def check_d_plus_traces(demo):
    out, _ = psql(demo, "-A", "-F", "|", "-c", r"\d+ spanlens.traces")
    contains(out, 'Table "spanlens.traces"')
    contains(out, "duration_ms|bigint||||plain|||From the first span's start to the last span's end. Unit: ms.\n")
    contains(out, "ended_at|timestamp with time zone||||plain|||End of the trace; NULL while it runs.\n")
    contains(out, '"traces_pkey" PRIMARY KEY, btree (id)')


def check_d_plus_of_a_view(demo):
    out, _ = psql(demo, "-A", "-F", "|", "-c", r"\d+ traces")
    contains(out, 'View "public.traces"')
    contains(out, "duration_ms|double precision||||plain|From start to end. Unit: ms.\n")
    contains(out, "View definition:\n SELECT 'spanlens'::text AS source,\n    id,\n")
    contains(out, "   FROM spanlens.traces\nUNION ALL\n SELECT 'trulayer'::text AS source,\n    id,\n")
    contains(out, "   FROM trulayer.traces;\n")


def check_d_of_a_pattern_and_of_nothing(demo):
    equal([row[1] for row in rows(demo, r"\dt spanlens.*e*s")], ["anomalies", "requests", "traces"])
    _, err = psql(demo, "-c", r"\d nosuch", fails=1)
    equal(err, 'Did not find any relation named "nosuch".\n')


def check_dn_plus(demo):
    equal(rows(demo, r"\dn+"), [[name, USER, "", comment] for name, comment in (
        ("adaline", "Exports of Adaline."),
        ("public", "standard public schema"),
        ("respan", "Exports of Respan."),
        ("scale", "Exports of Scale GP."),
        ("spanlens", "Exports of Spanlens."),
        ("spanwire", "System views of the gateway: sources, what upstream can filter, scans, quota."),
        ("trulayer", "Exports of TruLayer."),
    )])


def check_l(demo):
    found = rows(demo, r"\l")
    equal([row[:3] for row in found], [[DATABASE, USER, "UTF8"]])


def check_du(demo):
    equal([row[0] for row in rows(demo, r"\du")], [USER])


def check_df_dT_di(demo):
    equal(rows(demo, r"\df"), [])
    equal(rows(demo, r"\dT"), [])
    # Of several indexes of one name the search path shows the first.
    visible = [("respan", "spans"), ("spanlens", "requests"), ("spanlens", "security"), ("spanlens", "traces")]
    equal(rows(demo, r"\di"), [[schema, f"{table}_pkey", "index", USER, table] for schema, table in visible])
    equal([row[0] for row in rows(demo, r"\di *.spans_pkey")], ["adaline", "respan", "trulayer"])


def check_conninfo(demo):
    out, _ = psql(demo, "-c", r"\conninfo")
    equal(out, f'You are connected to database "{DATABASE}" as user "{USER}" on host "127.0.0.1" '
               f'at port "{demo.port}".\n')


def check_several_statements_in_one_c(demo):
    out, _ = psql(demo, "-A", "-c", "SELECT 1 AS a; SHOW TimeZone; SELECT count(*) FROM spanlens.requests")
    equal(out, "a\n1\n(1 row)\nTimeZone\nUTC\n(1 row)\ncount\n3000\n(1 row)\n")


def check_gdesc(demo):
    sql = r"SELECT created_at, latency_ms AS ms, cost_usd, model, extra, true AS yes FROM spanlens.requests \gdesc"
    out, _ = psql(demo, "-At", stdin=sql)
    equal(out.splitlines(), [
        "created_at|timestamp with time zone", "ms|bigint", "cost_usd|double precision", "model|text", "extra|jsonb",
        "yes|boolean"])


def check_gx_and_gset(demo):
    script = "SELECT count(*) AS n FROM spanlens.traces \\gset\nSELECT :n + 1 AS more \\gx\n"
    out, _ = psql(demo, "-A", stdin=script)
    equal(out, f"more|{len(demo.rows('traces')) + 1}\n")


def check_on_error_stop(demo):
    script = "SELECT 'first';\nSELECT nope;\nSELECT 'second';\n"
    out, err = psql(demo, "-At", stdin=script)
    equal(out, "first\nsecond\n")
    contains(err, 'column "nope" does not exist')
    out, err = psql(demo, "-At", "-v", "ON_ERROR_STOP=1", stdin=script, fails=3)
    equal(out, "first\n")
    contains(err, 'column "nope" does not exist')


def check_an_error_points_at_the_table(demo):
    _, err = psql(demo, "-c", "SELECT 1 FROM nosuch", fails=1)
    equal(err, 'ERROR:  relation "nosuch" does not exist\nLINE 1: SELECT 1 FROM nosuch\n'
               "                      ^\n")


def check_an_error_points_at_the_column(demo):
    _, err = psql(demo, "-c", "SELECT latency FROM spanlens.requests", fails=1)
    contains(err, 'column "latency" does not exist\nLINE 1: SELECT latency FROM spanlens.requests\n               ^\n')


def check_an_error_points_at_the_syntax(demo):
    _, err = psql(demo, "-c", "SELECT 1 FORM requests WHERE", fails=1)
    equal(err, 'ERROR:  syntax error at or near "requests"\nLINE 1: SELECT 1 FORM requests WHERE\n'
               "                      ^\n")


def check_the_code_of_an_error(demo):
    out, _ = psql(demo, "-At", stdin="SELECT 1/0;\n\\echo :SQLSTATE :ERROR\nSELECT 1;\n\\echo :SQLSTATE :ERROR\n")
    equal(out, "22012 true\n1\n00000 false\n")


def check_explain_shows_the_upstream_request(demo):
    query = "EXPLAIN SELECT count(*) FROM spanlens.requests WHERE provider = 'openai';"
    text, _ = psql(demo, "-At", stdin=f"SET spanwire.cache = off;\n{query}\n")
    contains(text, "Scan on spanlens.requests")
    contains(text, "Upstream Request: GET /api/v1/exports/requests?format=json")
    contains(text, "provider=openai")


def check_the_notice_of_the_lookback(demo):
    out, err = psql(demo, "-At", "-c", "SELECT count(*) FROM spanlens.requests", options="")
    equal(out, "3000\n")
    equal(err, "NOTICE:  spanlens.requests is read back to 30 days ago\n"
               'DETAIL:  The statement gives no lower bound on "created_at", so the lookback of the source applies.\n'
               "HINT:  Add a lower bound to WHERE, or SET spanwire.lookback.\n")
    sql = "SELECT count(*) FROM spanlens.requests WHERE created_at > now() - interval '29 days 23 hours'"
    equal(psql(demo, "-At", "-c", sql, options=""), ("3000\n", ""))


def check_copy(demo):
    ids = sorted(row["id"] for row in demo.rows("requests"))
    path = demo.directory() / "ids.csv"
    psql(demo, "-c", f"\\copy (SELECT id FROM spanlens.requests ORDER BY id) TO '{path}' CSV HEADER")
    equal(path.read_text(encoding="utf-8").splitlines(), ["id", *ids])
    out, _ = psql(demo, "-c", "COPY spanlens.requests (id) TO STDOUT")
    equal(sorted(out.splitlines()), ids)


def check_fetch_count(demo):
    ids = sorted(row["id"] for row in demo.rows("requests"))
    out, _ = psql(demo, "-At", "-v", "FETCH_COUNT=700", "-c", "SELECT id FROM spanlens.requests ORDER BY id")
    equal(out.splitlines(), ids)


def check_writes_are_refused(demo):
    for sql in ("DELETE FROM requests", "CREATE TABLE t (a int)", "INSERT INTO requests (id) VALUES ('x')"):
        _, err = psql(demo, "-v", "VERBOSITY=sqlstate", "-c", sql, fails=1)
        equal(err, "ERROR:  25006\n", sql)


def check_a_wrong_password(demo):
    _, err = psql(demo, "-c", "SELECT 1", password="wrong", fails=2)
    contains(err, 'FATAL:  password authentication failed for user "demo"')
    _, err = psql(demo, "-c", "SELECT 1", user="nobody", fails=2)
    contains(err, 'FATAL:  password authentication failed for user "nobody"')


def check_values_as_psql_prints_them(demo):
    first = demo.rows("requests")[0]
    found = rows(demo, f"SELECT id, model, latency_ms, cost_usd, created_at FROM spanlens.requests WHERE id = '{first['id']}'")
    # 2026-05-01T10:00:00.120Z is 2026-05-01 10:00:00.12+00 to PostgreSQL.
    moment = first["created_at"].removesuffix("Z").replace("T", " ").rstrip("0").rstrip(".") + "+00"
    equal(found, [[first["id"], first["model"], str(first["latency_ms"]), str(first["cost_usd"]), moment]])


def check_ctrl_c_during_a_wait_for_the_quota(demo):
    with Demo(demo.binary, calls_per_minute=2) as slow:
        for model in "ab":
            psql(slow, "-At", "-c", SLOW_SQL.format(model))
        with tempfile.TemporaryFile("w+") as err:
            process = subprocess.Popen(
                command(slow.port, "-c", SLOW_SQL.format("c")), env=environment(options=""), stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=err)
            try:
                # Its notice tells that the statement is under way and waits.
                wait_until(lambda: "for the quota of source" in _content(err), "psql's notice of the wait")
                sent = time.monotonic()
                process.send_signal(signal.SIGINT)
                code = process.wait(20)
                took = time.monotonic() - sent
            finally:
                process.kill()
                process.wait()
            text = _content(err)
    contains(text, "waiting ")
    contains(text, "2 calls per 60 s are allowed, and 2 are taken.")
    contains(text, "Cancel request sent\nERROR:  canceling statement due to user request\n")
    equal(code, 1, "exit code")
    if took > 5:
        raise AssertionError(f"psql ended {took:.1f} s after SIGINT")
    return f"{took * 1000:.0f} ms from SIGINT to exit"


def _content(file):
    # pread leaves alone the offset that psql, which shares it, writes at.
    return os.pread(file.fileno(), 1 << 20, 0).decode()
