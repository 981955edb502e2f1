"""The demo's rows in PostgreSQL, under the same names as the gateway has them."""

import oracle

SOURCES = ("adaline", "respan", "scale", "spanlens", "trulayer")
TABLES = (
    "spanlens.requests", "spanlens.traces", "spanlens.security", "scale.spans", "respan.spans", "adaline.spans",
    "trulayer.traces", "trulayer.spans", "public.requests", "public.spans",
)
# Beyond the beginning of the demo's data, so that the bound of the lookback falls on no row.
LOOKBACK = "SET spanwire.lookback = '365 days'"
SEARCH_PATH = "SET search_path = spanlens, public"


def load(gateway, databases):
    """Copies all tables to PostgreSQL; each database after the first has the rows in the opposite order."""
    gateway.execute(LOOKBACK)
    for postgres in databases:
        for schema in SOURCES:
            postgres.execute(f"CREATE SCHEMA {schema}")
    for table in TABLES:
        _, rows = oracle.answer(gateway, f"SELECT * FROM {table}")
        if not rows:
            raise RuntimeError(f"the gateway has no rows in {table}")
        for place, postgres in enumerate(databases):
            oracle.create(gateway, postgres, table)
            with postgres.cursor().copy(f"COPY {table} FROM STDIN") as target:
                for row in rows if place == 0 else reversed(rows):
                    target.write_row(row)
            postgres.execute(f"ANALYZE {table}")


def marks(postgres):
    """Times and keys of rows that exist, for the corpus."""
    rows = postgres.execute(
        "SELECT created_at::text, created_at::date::text, id, trace_id FROM spanlens.requests"
        " ORDER BY requests.created_at, requests.id"
    ).fetchall()
    early, middle, late = (rows[len(rows) * tenth // 10] for tenth in (2, 5, 8))
    traced = next(row for row in rows if row[3])
    return {"early": early[0], "middle": middle[0], "late": late[0], "day": middle[1], "id": traced[2],
            "trace": traced[3]}
