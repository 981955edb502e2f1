"""Which client a check is of, and how many checks of each passed."""

# The first that has a part in the name of the check.
CLIENTS = (
    ("psql 15", ("psql: ", "pairs: psql", "completion: ")),
    ("Metabase: its statements and its sync, over pgjdbc 42.5", ("tools: metabase", "sync: ", "Metabase")),
    ("Grafana: its dashboard and its statements", ("tools: grafana", "dashboards: ")),
    ("Redash: its statements", ("tools: redash", "Redash")),
    ("Superset 6.1, and its statements", ("superset",)),
    ("LibreOffice 7.4 (Base, Calc) by psqlODBC 13 and its own driver", ("libreoffice",)),
    ("Tableau, Power BI (Npgsql): their statements", ("tools: tableau", "tools: npgsql", "tools: powerbi")),
    ("DBeaver, DataGrip: their statements", ("tools: dbeaver", "tools: datagrip")),
    ("pgjdbc 42.5", ("pgjdbc",)),
    ("psqlODBC 13 by pyodbc", ("odbc",)),
    ("psycopg2 2.9", ("psycopg2",)),
    ("psycopg 3.3", ("psycopg", "pairs: settings", "by binary COPY")),
    ("asyncpg 0.32", ("asyncpg",)),
    ("pg8000 1.31", ("pg8000",)),
    ("SQLAlchemy 2.1, pandas 3.1", ("sqlalchemy", "pandas")),
    ("ADBC 1.13", ("adbc",)),
    ("pgcli 4.7", ("pgcli",)),
    ("node-postgres, pg-cursor, pg-query-stream, postgres.js", ("node",)),
    ("pgx 4.15, lib/pq 1.10", ("pairs: go",)),
    ("postgres_fdw of PostgreSQL 15", ("postgres_fdw",)),
    ("libpq: scripts of cursors, COPY, PREPARE, temporary tables", ("scripts: ",)),
    ("libpq with TLS", ("tls: ",)),
    ("the vendors' SDKs, on the demo upstreams", ("sdk",)),
    ("rows compared with PostgreSQL 15", ("oracle: ",)),
)


def table(results):
    """A line for each client, in Markdown; `results` are names of checks and whether they passed."""
    counts = {client: [0, 0] for client, _ in CLIENTS}
    for name, passed in results:
        found = next((client for client, parts in CLIENTS if any(part in name for part in parts)), None)
        if found is None:
            raise ValueError(f"the check {name!r} is of no client")
        counts[found][0] += 1
        counts[found][1] += passed
    lines = ["| client | checks | passed |", "|---|---|---|"]
    return "\n".join(lines + [f"| {client} | {n} | {passed} |" for client, (n, passed) in counts.items()])
