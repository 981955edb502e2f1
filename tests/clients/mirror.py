"""A real PostgreSQL with the gateway's tables: same names, columns, keys, comments and rows, same user and database.

The definitions are read from the gateway's catalogs and the rows are carried over by COPY in binary form, which
PostgreSQL itself reads.
"""

from contextlib import contextmanager

import psycopg
from psycopg import sql

from gateway import DATABASE, PASSWORD, SOURCES, USER
from postgres import Postgres

LOOKBACK = "SET spanwire.lookback = '365 days'"

_TABLES = """
    SELECT n.nspname, c.relname, obj_description(c.oid, 'pg_class')
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname = ANY (%s::text[]) ORDER BY 1, 2"""
_COLUMNS = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, col_description(a.attrelid, a.attnum)
    FROM pg_attribute AS a WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""
_CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), contype FROM pg_constraint
    WHERE contype IN ('p', 'f') AND connamespace IN (SELECT oid FROM pg_namespace WHERE nspname = ANY (%s::text[]))
    ORDER BY contype DESC, 1"""


class Place:
    """Where a client connects."""

    def __init__(self, port):
        self.host = "127.0.0.1"
        self.port = port
        self.uri = f"postgresql://{USER}:{PASSWORD}@{self.host}:{port}/{DATABASE}"
        self.environment = {
            "PGHOST": self.host, "PGPORT": str(port), "PGUSER": USER, "PGPASSWORD": PASSWORD, "PGDATABASE": DATABASE}

    def connect(self, **options):
        """psycopg's connection in autocommit."""
        return psycopg.connect(self.uri, autocommit=True, connect_timeout=10, **options)


@contextmanager
def mirrored(demo):
    """The gateway and the mirror."""
    with Postgres() as server:
        with server.connect() as first:
            first.execute(f"CREATE ROLE {USER} SUPERUSER LOGIN PASSWORD '{PASSWORD}'")
            first.execute(f"CREATE DATABASE {DATABASE} OWNER {USER}")
        own, theirs = Place(demo.port), Place(server.port)
        with own.connect() as gateway, theirs.connect() as postgres:
            gateway.execute("SET client_min_messages = warning")
            gateway.execute(LOOKBACK)
            _define(gateway, postgres)
        yield own, theirs


def _define(gateway, postgres):
    for schema in SOURCES:
        postgres.execute(f"CREATE SCHEMA {schema}")
    tables = gateway.execute(_TABLES, (SOURCES,)).fetchall()
    if not tables:
        raise RuntimeError("the gateway shows no tables")
    for schema, table, comment in tables:
        name = f"{schema}.{table}"
        columns = gateway.execute(_COLUMNS, (name,)).fetchall()
        lines = [
            sql.SQL("{} {}{}").format(sql.Identifier(column), sql.SQL(kind), sql.SQL(" NOT NULL" if required else ""))
            for column, kind, required, _ in columns]
        relation = sql.Identifier(schema, table)
        postgres.execute(sql.SQL("CREATE TABLE {} ({})").format(relation, sql.SQL(", ").join(lines)))
        postgres.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(relation, sql.Literal(comment)))
        for column, _, _, remark in columns:
            if remark is not None:
                place = sql.Identifier(schema, table, column)
                postgres.execute(sql.SQL("COMMENT ON COLUMN {} IS {}").format(place, sql.Literal(remark)))
        with gateway.cursor().copy(sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(relation)) as source, \
                postgres.cursor().copy(sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(relation)) as target:
            for data in source:
                target.write(data)
        postgres.execute(sql.SQL("ANALYZE {}").format(relation))
    for table, name, definition, _ in gateway.execute(_CONSTRAINTS, (SOURCES,)).fetchall():
        postgres.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
