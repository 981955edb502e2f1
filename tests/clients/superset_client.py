"""Apache Superset as a client: its own code in its own environment (requirements-superset.txt), without a browser.

    superset_client.py prepare METADATA    makes Superset's metadata database by its migrations
    superset_client.py run METADATA URI    works on a copy of it; prints what Superset answers as one JSON object

Everything goes through Superset's REST API, as its pages do.
"""

import json
import os
import shutil
import sys
import tempfile
import threading
import time
import warnings
from datetime import date, timedelta
from pathlib import Path

USER = {"username": "admin", "password": "admin"}
SCHEMAS = ["adaline", "respan", "scale", "spanlens", "trulayer"]
CONFIG = """
SECRET_KEY = "only-for-tests-only-for-tests-only"
SQLALCHEMY_DATABASE_URI = "sqlite:///{}"
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
RATELIMIT_ENABLED = False
FEATURE_FLAGS = {{"ESTIMATE_QUERY_COST": True, "ENABLE_TEMPLATE_PROCESSING": True}}
LOG_LEVEL = "ERROR"
"""
GRAINS = ["PT1S", "PT5S", "PT30S", "PT1M", "PT5M", "PT10M", "PT15M", "PT30M", "PT1H", "P1D", "P1W", "P1M", "P3M", "P1Y"]
VIRTUAL = (
    "SELECT date_trunc('hour', r.created_at) AS hour, r.provider, t.name AS trace, r.latency_ms, r.cost_usd, "
    "r.status_code >= 500 AS failed FROM spanlens.requests AS r LEFT JOIN spanlens.traces AS t ON t.id = r.trace_id "
    "WHERE r.created_at > '2020-01-01'")


def start(home, metadata):
    """Superset's application with this metadata database."""
    config = Path(home) / "superset_config.py"
    config.write_text(CONFIG.format(metadata), encoding="utf-8")
    os.environ.update(SUPERSET_CONFIG_PATH=str(config), SUPERSET_HOME=str(home))
    warnings.simplefilter("ignore")
    from superset.app import create_app  # pylint: disable=import-outside-toplevel  # reads the environment
    return create_app()


def prepare(home, metadata):
    """What `superset db upgrade`, `superset init` and `superset fab create-admin` do."""
    app = start(home, metadata)
    with app.app_context():
        from flask_migrate import upgrade  # pylint: disable=import-outside-toplevel
        from superset.extensions import appbuilder, security_manager  # pylint: disable=import-outside-toplevel
        upgrade()
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        role = security_manager.find_role("Admin")
        if not security_manager.add_user(USER["username"], "A", "B", "admin@example.invalid", role, password=USER["password"]):
            raise RuntimeError("no user was made")


class Superset:
    """Its REST API, signed in."""

    def __init__(self, app, uri):
        self.app = app
        self.uri = uri.replace("postgresql://", "postgresql+psycopg2://")
        page = app.test_client(use_cookies=False).post("/login/", data=USER)
        self.headers = {"Cookie": page.headers["Set-Cookie"].partition(";")[0]}
        self.database = self.call("POST", "database/", self.connection())["id"]

    def connection(self):
        """A database as the form sends it."""
        return {
            "database_name": "traces", "sqlalchemy_uri": self.uri, "configuration_method": "sqlalchemy_form",
            "extra": json.dumps({"cost_estimate_enabled": True, "allows_virtual_table_explore": True})}

    def answer(self, method, path, body=None, **query):
        """The response to a call."""
        place = path if path.startswith("/") else f"/api/v1/{path}"
        return self.app.test_client(use_cookies=False).open(
            place, method=method, json=body, headers=self.headers, query_string=query)

    def call(self, method, path, body=None, **query):
        """The JSON of an answer that must be a good one."""
        answer = self.answer(method, path, body, **query)
        if answer.status_code >= 300:
            raise RuntimeError(f"{method} {path} of {json.dumps(body)[:500]}: {answer.status_code} {answer.text[:3000]}")
        return answer.json

    # --- the pages for databases and datasets

    def browse(self):
        """The tree at the left of SQL Lab."""
        place = f"database/{self.database}"
        # Of a PostgreSQL these lists show its database "postgres" and no schemas of the gateway's own.
        found = {
            "catalogs": [name for name in self.call("GET", f"{place}/catalogs/")["result"] if name != "postgres"],
            "schemas": sorted(name for name in self.call("GET", f"{place}/schemas/")["result"] if name in SCHEMAS),
            "function names": self.call("GET", f"{place}/function_names/")}
        for schema in SCHEMAS:
            tables = self.call("GET", f"{place}/tables/", q=f"(force:!t,schema_name:{schema})")
            found[f"tables of {schema}"] = tables
            for table in sorted(one["value"] for one in tables["result"]):
                name = {"name": table, "schema": schema}
                found[f"{schema}.{table}"] = self.call("GET", f"{place}/table_metadata/", **name)
                found[f"{schema}.{table}, more"] = self.call("GET", f"{place}/table_metadata/extra/", **name)
                found[f"{schema}.{table}, select"] = self.call("GET", f"{place}/select_star/{table}/{schema}/")
        return found

    def dataset(self, name, schema="spanlens", sql=None):
        """Makes a dataset and returns its number."""
        body = {"database": self.database, "schema": schema, "table_name": name}
        return self.call("POST", "dataset/", body | ({"sql": sql} if sql else {}))["id"]

    def described(self, number):
        """A dataset's columns and metrics, read again from the database."""
        self.call("PUT", f"dataset/{number}/refresh")
        dataset = self.call("GET", f"dataset/{number}")["result"]
        columns = [
            {key: column[key] for key in ("column_name", "type", "type_generic", "is_dttm", "description", "filterable", "groupby")}
            for column in dataset["columns"]]
        return {
            "columns": columns, "metrics": [(metric["metric_name"], metric["expression"]) for metric in dataset["metrics"]],
            "main": dataset["main_dttm_col"], "kind": dataset["kind"], "grains": dataset["time_grain_sqla"],
            "external": self.call("GET", f"/datasource/external_metadata/table/{number}/")}

    def values(self, number, column):
        """What a filter offers."""
        return sorted(self.call("GET", f"datasource/table/{number}/column/{column}/values/")["result"], key=str)

    def samples(self, number, **filters):
        """The rows under a chart, and those that a drill finds."""
        query = {"datasource_type": "table", "datasource_id": number, "per_page": 20, "page": 1}
        found = self.call("POST", "/datasource/samples", filters, **query)["result"]
        return {key: found[key] for key in ("colnames", "coltypes", "rowcount", "total_count", "query", "data")}

    # --- charts

    def chart(self, number, ordered=False, kind="full", **query):
        """The data of a chart; its rows are sorted unless the chart's order is one in full."""
        body = {
            "datasource": {"id": number, "type": "table"}, "force": True, "queries": [{"row_limit": 5000, **query}],
            "form_data": {}, "result_format": "json", "result_type": kind}
        result = self.call("POST", "chart/data", body)["result"][0]
        shown = ("query", "colnames", "coltypes", "rowcount", "applied_filters", "rejected_filters", "error")
        found = {key: result.get(key) for key in shown}
        rows = [_rounded(row) for row in result["data"]]
        return found | {"data": rows if ordered else sorted(rows, key=json.dumps)}

    def charts(self, number, day):
        """Charts of spanlens.requests; `day` is that of its newest row."""
        newest = date.fromisoformat(day)
        month = temporal(newest - timedelta(days=35), newest + timedelta(days=2))
        week = temporal(newest - timedelta(days=7), newest)
        count, total, mean, models, p95, failed = METRICS
        found = {}
        for grain in GRAINS:
            found[f"grain {grain}"] = self.chart(
                number, columns=[axis(grain)], metrics=[count, total, mean], filters=[month], extras={"time_grain_sqla": grain})
        lines = {"columns": [axis("P1D"), "provider"], "extras": {"time_grain_sqla": "P1D"}, "filters": [month]}
        found["line"] = self.chart(number, **lines, metrics=METRICS)
        found["series limit"] = self.chart(
            number, **lines, metrics=[count], series_columns=["provider"], series_limit=2, series_limit_metric=count, order_desc=True)
        found["series limit, the least"] = self.chart(
            number, **{**lines, "columns": [axis("P1W"), "model"], "filters": [week]}, metrics=[total], series_columns=["model"],
            series_limit=3, series_limit_metric=total, order_desc=False)
        found["series limit, others as one"] = self.chart(
            number, **lines, metrics=[count], series_columns=["provider"], series_limit=2, series_limit_metric=count,
            group_others_when_limit_reached=True)
        found["granularity and time range"] = self.chart(
            number, columns=["model"], metrics=[count, models, p95], granularity="created_at", time_range=week["val"],
            is_timeseries=True, extras={"time_grain_sqla": "PT1H", "having": "COUNT(*) > 1", "where": "(latency_ms > 100)"})
        found["compared with a week ago"] = self.chart(
            number, columns=[axis("P1D")], metrics=[count], filters=[week], extras={"time_grain_sqla": "P1D"},
            time_offsets=["1 week ago"])
        found["big number"] = self.chart(number, columns=[], metrics=METRICS, filters=[month])
        found["pie"] = self.chart(
            number, ordered=True, columns=["provider", "model"], metrics=[count], filters=[month], row_limit=7,
            orderby=[[count, False], ["provider", True], ["model", True]])
        found["pivot of columns of its own"] = self.chart(
            number, columns=[
                custom("class", "CASE WHEN status_code >= 400 THEN 'bad' ELSE 'good' END"),
                custom("weekday", "EXTRACT(DOW FROM created_at)")],
            metrics=[count, mean, failed], filters=[month])
        found["raw records"] = self.chart(
            number, ordered=True, columns=["id", "created_at", "model", "cost_usd", "error_message", "status_code", "extra"],
            filters=[month], orderby=[["created_at", False], ["id", True]], row_limit=50, row_offset=25)
        found["number of rows"] = self.chart(number, columns=["id", "model"], filters=[month], is_rowcount=True, row_limit=100000)
        for column, operator, value in FILTERS:
            one = {"col": column, "op": operator} | ({} if value is None else {"val": value})
            found[f"filter {column} {operator}"] = self.chart(
                number, columns=["provider"], metrics=[count, models], filters=[month, one])
        found["drill"] = self.chart(
            number, kind="drill_detail", columns=[], filters=[month, {"col": "provider", "op": "==", "val": "openai"}])
        found["histogram's columns"] = self.chart(number, kind="results", columns=["latency_ms"], filters=[week], row_limit=10000)
        return found

    def download(self, number):
        """A chart's data as a file."""
        body = {
            "datasource": {"id": number, "type": "table"}, "force": True, "form_data": {}, "result_format": "csv",
            "result_type": "full",
            "queries": [{"columns": ["provider", "status_code"], "metrics": [METRICS[0], METRICS[4]], "row_limit": 1000,
                         "orderby": [["provider", True], ["status_code", True]]}]}
        answer = self.answer("POST", "chart/data", body)
        return answer.status_code, answer.mimetype, answer.text

    # --- SQL Lab

    def run(self, sql, schema="spanlens", **options):
        """A statement of the editor, run at once."""
        body = {
            "database_id": self.database, "sql": sql, "schema": schema, "runAsync": False,
            "client_id": f"c{time.monotonic_ns() % 10**9}",
            "select_as_cta": False, "ctas_method": "TABLE", "queryLimit": 1000, "expand_data": False, "tmp_table_name": "", **options}
        return body["client_id"], self.answer("POST", "sqllab/execute/", body)

    def lab(self, sql, **options):
        """What the editor shows."""
        _, answer = self.run(sql, **options)
        if answer.status_code != 200:
            return {"status": answer.status_code, "errors": _unlinked(answer.json["errors"])}
        return {"columns": answer.json["columns"], "data": _rounded(answer.json["data"]), "rows": answer.json["query"]["rows"],
                "limit": answer.json["query"]["limitingFactor"], "sql": answer.json["query"]["executedSql"]}

    def exported(self, sql):
        """The results of the editor as a file."""
        client, answer = self.run(sql)
        if answer.status_code != 200:
            raise RuntimeError(answer.text)
        return self.answer("GET", f"sqllab/export/{client}/").text

    def streamed(self, sql):
        """All rows as a file, written while they are read."""
        form = {"database_id": self.database, "sql": sql, "schema": "spanlens", "filename": "rows.csv", "expected_rows": "5000"}
        client, answer = self.run(sql)
        if answer.status_code != 200:
            raise RuntimeError(answer.text)
        answer = self.app.test_client(use_cookies=False).post(
            "/api/v1/sqllab/export_streaming/", data={**form, "client_id": client}, headers=self.headers)
        return answer.status_code, answer.text

    def estimate(self, sql):
        """The cost of a statement: the names, and of each whether it is a number."""
        result = self.call("POST", "sqllab/estimate/", {"database_id": self.database, "sql": sql, "schema": "spanlens"})["result"]
        return [{name: float(value) >= 0 for name, value in one.items()} for one in result]

    def stopped(self):
        """The button "Stop" while a statement runs that would last for hours: its answer, and the rows of the statement."""
        running, done = "endless", []
        thread = threading.Thread(target=lambda: done.append(self.run(ENDLESS, client_id=running)), daemon=True)
        began = time.monotonic()
        thread.start()
        while not self._cancellable(running):
            if time.monotonic() - began > 20:
                raise TimeoutError("the statement does not start")
            time.sleep(0.05)
        answer = self.answer("POST", "query/stop", {"client_id": running})
        thread.join(15)
        # Whether Superset notes that it is stopped before or after the statement has failed is chance: its answer differs.
        return answer.status_code, answer.json, [one.json.get("data") for _, one in done]

    def _cancellable(self, client):
        """Whether Superset knows which server process runs the statement."""
        with self.app.app_context():
            from superset.extensions import db  # pylint: disable=import-outside-toplevel
            from superset.models.sql_lab import Query  # pylint: disable=import-outside-toplevel
            query = db.session.query(Query).filter_by(client_id=client).one_or_none()
            return query is not None and "cancel_query" in query.extra and "progress" in query.extra


def axis(grain):
    """The time axis of a chart."""
    return {"timeGrain": grain, "columnType": "BASE_AXIS", **custom("created_at", "created_at")}


def temporal(first, last):
    """The filter that a chart's time range becomes."""
    return {"col": "created_at", "op": "TEMPORAL_RANGE", "val": f"{first.isoformat()} : {last.isoformat()}"}


def simple(aggregate, column):
    """A metric of a column."""
    return {"expressionType": "SIMPLE", "column": {"column_name": column}, "aggregate": aggregate, "label": f"{aggregate}({column})"}


def custom(label, sql):
    """A metric or a column in SQL."""
    return {"expressionType": "SQL", "sqlExpression": sql, "label": label}


METRICS = [
    custom("count", "COUNT(*)"), simple("SUM", "total_tokens"), simple("AVG", "latency_ms"), simple("COUNT_DISTINCT", "model"),
    custom("p95", "percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms)"),
    custom("failed share", "SUM(CASE WHEN status_code >= 500 THEN 1 ELSE 0 END)::float / NULLIF(COUNT(*), 0)")]
FILTERS = [
    ("provider", "==", "openai"), ("provider", "!=", "openai"), ("provider", "NOT IN", ["openai", "groq"]),
    ("model", "IN", ["gpt-4o-mini-2024-07-18", "claude-3-5-haiku-20241022"]),
    ("model", "LIKE", "%gpt%"), ("model", "ILIKE", "%GPT%"), ("model", "NOT LIKE", "gpt%"),
    ("error_message", "IS NULL", None), ("error_message", "IS NOT NULL", None), ("latency_ms", ">", 700), ("latency_ms", "<=", 700),
    ("cost_usd", ">=", 0.001), ("status_code", "<", "500"), ("trace_id", "IN", [None, "nosuch"])]
ENDLESS = "SELECT count(*) FROM generate_series(1, 1000000) AS a, generate_series(1, 1000000) AS b WHERE a % 7 = b % 11"
STATEMENTS = [
    "SELECT * FROM requests WHERE created_at > '2020-01-01' ORDER BY created_at DESC, id LIMIT 20",
    "SELECT provider, count(*) AS n, avg(latency_ms), sum(total_tokens), max(created_at), bool_or(status_code >= 500) "
    "FROM spanlens.requests WHERE created_at > '2020-01-01' GROUP BY 1 ORDER BY 1;",
    "WITH days AS (SELECT created_at::date AS day, latency_ms FROM requests WHERE created_at > '2020-01-01') "
    "SELECT day, count(*), percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY latency_ms) AS p "
    "FROM days GROUP BY day ORDER BY day",
    "SELECT id, extra FROM requests WHERE created_at > '2020-01-01' AND provider = '{{ 'open' ~ 'ai' }}' ORDER BY id",
    "SET statement_timeout = '60s'; "
    "SELECT name, count(*) FROM traces WHERE started_at > '2020-01-01' GROUP BY name ORDER BY 2 DESC, 1",
    "SELECT 1 AS a, 1 AS a, NULL AS b, 'x' AS \"C d\", ARRAY[1, 2] AS e, '{\"k\": [1]}'::jsonb AS f, 1.50 AS g, "
    "interval '1 day 2 hours' AS h, "
    "'2026-03-29 01:30:00+00'::timestamptz AS i, '2026-03-29'::date AS j, true AS k, 2::real AS l, 'NaN'::float AS m",
    "EXPLAIN SELECT nosuch FROM requests", "SELECT nosuch FROM requests", "SELECT * FROM nosuch", "SELECT 1 / 0",
    "SELECT latency_ms + 'x' FROM requests", "SELECT count(*) FROM requests GROUP", "SELECT model, count(*) FROM requests"]


def work(app, uri):
    """Everything that is asked."""
    superset = Superset(app, uri)
    found = {"connection": superset.call("POST", "database/test_connection/", superset.connection()), "browse": superset.browse()}
    requests = superset.dataset("requests")
    spans = superset.dataset("spans", "trulayer")
    virtual = superset.dataset("hours", sql=VIRTUAL)
    found["datasets"] = [superset.described(number) for number in (requests, spans, virtual)]
    newest = superset.lab("SELECT max(created_at)::date::text AS day FROM requests WHERE created_at > '2020-01-01'")["data"][0]["day"]
    found["charts"] = superset.charts(requests, newest)
    found["virtual"] = {
        "chart": superset.chart(
            virtual, columns=[{**axis("P1D"), "sqlExpression": "hour", "label": "hour"}, "trace"],
            metrics=[METRICS[0], simple("MAX", "latency_ms"), custom("failed", "SUM(failed::int)")],
            extras={"time_grain_sqla": "P1D"},
            filters=[{"col": "failed", "op": "IS FALSE"}, {"col": "provider", "op": "IN", "val": ["openai", "anthropic"]}]),
        "values": superset.values(virtual, "trace")}
    found["values"] = {name: superset.values(requests, name) for name in ("provider", "model", "status_code", "error_message")}
    found["samples"] = superset.samples(requests)
    found["samples, filtered"] = superset.samples(requests, filters=[{"col": "provider", "op": "==", "val": "openai"}])
    found["download"] = superset.download(requests)
    found["lab"] = {sql: superset.lab(sql) for sql in STATEMENTS}
    found["lab, limited"] = superset.lab("SELECT id FROM requests WHERE created_at > '2020-01-01' ORDER BY id", queryLimit=25)
    rows = "SELECT id, created_at, cost_usd, error_message FROM spanlens.requests WHERE created_at > '2020-01-01' ORDER BY id"
    found["export"] = superset.exported(rows)
    found["streamed export"] = superset.streamed(rows)
    found["estimate"] = [
        superset.estimate(sql)
        for sql in (rows, "SELECT provider, count(*) FROM requests GROUP BY 1 ORDER BY 2 DESC LIMIT 3", "SELECT 1")]
    found["stop"] = superset.stopped()
    return found


def _rounded(value):
    """The last digits of a sum of floats depend on the order of the rows."""
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return value


def _unlinked(errors):
    """Errors without the links to Superset's documentation."""
    return [{key: one[key] for key in ("message", "error_type", "level")} for one in errors]


def main():
    """Either of the two commands."""
    if len(sys.argv) == 3 and sys.argv[1] == "prepare":
        command, metadata, uri = "prepare", Path(sys.argv[2]).resolve(), None
    elif len(sys.argv) == 4 and sys.argv[1] == "run":
        command, metadata, uri = sys.argv[1:]
    else:
        sys.exit(__doc__)
    # Superset prints while it starts; only the answer goes to the output.
    output = os.dup(1)
    os.dup2(2, 1)
    with tempfile.TemporaryDirectory(prefix="spanwire-superset-") as home:
        if command == "prepare":
            prepare(home, metadata)
            return
        copied = shutil.copy(metadata, Path(home) / "metadata.db")
        found = work(start(home, copied), uri)
    with os.fdopen(output, "w", encoding="utf-8") as out:
        json.dump(found, out)


if __name__ == "__main__":
    main()
