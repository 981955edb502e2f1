"""What the generator of statements knows of the tables: columns, types, keys, values that occur."""

from typing import NamedTuple

import data

TYPES = {
    "bigint": "int8", "double precision": "float8", "text": "text", "boolean": "bool",
    "timestamp with time zone": "timestamptz", "jsonb": "jsonb",
}
KEYS = ("id", "span_id")
SAMPLES = 12
LONGEST_SAMPLE = 40


class Table(NamedTuple):
    """A table and its columns' types by name; `key` is a column that no two rows share, or None."""

    name: str
    columns: dict
    key: str | None
    samples: dict


class Facts(NamedTuple):
    """All tables, by name."""

    tables: dict

    @staticmethod
    def read(gateway, postgres):
        """Looks into the PostgreSQL that has the rows; leaves out what the gateway only filters by."""
        hidden = set(gateway.execute(
            "SELECT source || '.' || table_name, column_name FROM spanwire.pushdown WHERE filter_only").fetchall())
        return Facts({name: _table(postgres, name, hidden) for name in data.TABLES})


def _table(postgres, name, hidden):
    described = postgres.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        f"WHERE attrelid = '{name}'::regclass AND attnum > 0 ORDER BY attnum").fetchall()
    columns = {column: TYPES[kind] for column, kind in described if (name, column) not in hidden}
    key = next((column for column in KEYS if column in columns and _unique(postgres, name, column)), None)
    samples = {column: _samples(postgres, name, column) for column, kind in columns.items() if kind != "jsonb"}
    return Table(name, columns, key, samples)


def _unique(postgres, table, column):
    return postgres.execute(f"SELECT count(DISTINCT {column}) = count(*) FROM {table}").fetchone()[0]


def _samples(postgres, table, column):
    """Some values as text, spread over all of them."""
    rows = postgres.execute(
        f'SELECT "{column}"::text FROM {table} WHERE length("{column}"::text) <= {LONGEST_SAMPLE} '
        f'GROUP BY "{column}" ORDER BY "{column}"').fetchall()
    step = max(1, len(rows) // SAMPLES)
    return [value for (value,) in rows[::step]]
