"""The statements that tools send of themselves, on the gateway and on a PostgreSQL with the same tables and rows.

One file for each tool in `tools/`, a check for each group of statements in it. A statement ends at an empty line. The
lines that start with `--@` say how it is sent and compared, those that start with `--#` are remarks; the rest is sent.

    --@ group: NAME          starts a group; options in the same paragraph, without a statement, hold for the whole group
    --@ bind: [["int8", 5]]  parameters, each with the type that the tool declares ("" = none)
    --@ simple               by the simple protocol, whatever the tool's driver does else
    --@ formats: text binary the forms of the result that are asked for, one after the other (extended protocol)
    --@ ordered              the statement's ORDER BY fixes the order of the rows; else they are compared as sorted bags
    --@ without: a, b        columns whose values differ by nature; their names and types are still compared
    --@ only: column value … the rows to compare, by the value of a column; "sources" stands for the sources' schemas
    --@ ids: a, b            columns of another type than oid whose values are OIDs
    --@ shape                only names and types are compared
    --@ empty                no rows are expected
    --@ fails: SQLSTATE      PostgreSQL refuses the statement with this code

OIDs of what the sources define are compared by name. In a statement and its parameters, @name@ is a value of `_values`.

`without` leaves out what the two cannot share: rights beyond reading (the gateway grants none, the mirror's user is a
superuser) and the owners that follow from them, what storage has (files, pages, statistics, transactions, ACLs), the
machine's locale, and the remarks on schemas, which the mirror does not set. `shape` is for lists of a server's own objects
(casts, collations, processes, sizes, plans).
"""

import json
import re
import struct
from dataclasses import dataclass, field
from pathlib import Path

from psycopg import pq

from gateway import DATABASE, SOURCES, USER
from mirror import LOOKBACK

HERE = Path(__file__).parent / "tools"
SQL_ARRAY = "'{" + ",".join(SOURCES) + "}'"
FLOATS = {700: ">f", 701: ">d"}
OID = 26
# Sums of floats depend on the order of the rows.
DIGITS = 9
TYPES = {
    "": 0, "bool": 16, "int8": 20, "int4": 23, "text": 25, "float8": 701, "varchar": 1043, "date": 1082, "timestamp": 1114,
    "timestamptz": 1184, "numeric": 1700, "text[]": 1009}
# The tools whose driver uses the extended protocol for every statement (pgjdbc, Npgsql); the others use the simple one.
EXTENDED = {"metabase", "dbeaver", "datagrip", "npgsql", "powerbi", "tableau"}

# What the sources define, by OID. PostgreSQL's catalogs belong to the role that made the cluster, the gateway's to the user.
_NAMES = f"""
    WITH n AS (SELECT oid, nspname FROM pg_namespace WHERE nspname = ANY ({SQL_ARRAY}))
    SELECT oid, 'schema ' || nspname FROM n
    UNION ALL SELECT c.oid, 'relation ' || nspname || '.' || relname FROM pg_class AS c JOIN n ON n.oid = relnamespace
    UNION ALL SELECT t.oid, 'type ' || nspname || '.' || typname FROM pg_type AS t JOIN n ON n.oid = typnamespace
    UNION ALL SELECT c.oid, 'constraint ' || nspname || '.' || r.relname || ' ' || conname FROM pg_constraint AS c
        JOIN n ON n.oid = connamespace JOIN pg_class AS r ON r.oid = conrelid
    UNION ALL SELECT oid, 'database' FROM pg_database WHERE datname = '{DATABASE}'
    UNION ALL SELECT oid, 'user' FROM pg_roles WHERE rolname = '{USER}' OR oid = 10"""


@dataclass
class Statement:
    """A statement and how it is compared."""
    group: str
    sql: str
    options: dict = field(default_factory=dict)

    def columns(self, option):
        """The columns that an option names."""
        return {name.strip() for name in self.options.get(option, "").split(",")} - {""}


class Session:
    """A tool's connection to one of the two."""

    def __init__(self, at, tool, values):
        self.connection = at.connect()
        self.raw = self.connection.pgconn
        self.extended = tool in EXTENDED
        self.values = values
        if self.connection.info.parameter_status("is_superuser") != "on":
            self.connection.execute("SET client_min_messages = warning")
            self.connection.execute(LOOKBACK)
        self.names = {str(oid): name for oid, name in self.connection.execute(_NAMES).fetchall()}

    def filled(self, text):
        """The text with this side's values."""
        return re.sub(r"@(\w+)@", lambda match: self.values[match.group(1)], text)

    def run(self, statement):
        """Each result: its tag or error, its columns, its rows, and what was described before."""
        sql = self.filled(statement.sql).encode()
        if not self.extended or "simple" in statement.options:
            self.raw.send_query(sql)
            results = []
            while (result := self.raw.get_result()) is not None:
                results.append(result)
            return [self._read(result, statement) for result in results]
        bound = json.loads(self.filled(statement.options.get("bind", "[]")))
        prepared = self.raw.prepare(b"", sql, [TYPES[kind] for kind, _ in bound])
        if prepared.error_message:
            return [_error(prepared)]
        described = self.raw.describe_prepared(b"")
        parameters = [described.param_type(at) for at in range(described.nparams)]
        found = [("parameters", parameters, _columns(described), [])]
        values = [None if value is None else str(value).encode() for _, value in bound]
        for form in statement.options.get("formats", "text").split():
            result = self.raw.exec_prepared(b"", values, result_format=pq.Format[form.upper()])
            found.append(self._read(result, statement))
        return found

    def _read(self, result, statement):
        if result.error_message:
            return _error(result)
        columns = _columns(result)
        if "shape" in statement.options:
            return ("columns", None, columns, [])
        keep = statement.options.get("only", "").split()
        column = next(at for at, (name, _) in enumerate(columns) if name == keep[0]) if keep and columns else None
        wanted = {name for value in keep[1:] for name in (SOURCES if value == "sources" else [value])}
        without, ids = statement.columns("without"), statement.columns("ids")
        unknown = (without | ids) - {name for name, _ in columns} if columns else set()
        if unknown:
            raise AssertionError(f"no columns {sorted(unknown)} in {statement.sql[:200]}")
        rows = []
        for row in range(result.ntuples):
            if column is not None and (result.get_value(row, column) or b"").decode() not in wanted:
                continue
            rows.append(tuple(
                "(not compared)" if name in without else self._cell(result, row, at, kind, name in ids)
                for at, (name, kind) in enumerate(columns)))
        if "ordered" not in statement.options:
            rows.sort(key=lambda cells: [(cell is not None, cell or "") for cell in cells])
        # The tag counts the rows, those that are not compared too.
        tag = result.command_status if not columns else None
        return ("rows", tag, columns, rows)

    def _cell(self, result, row, column, kind, is_id):
        value = result.get_value(row, column)
        if value is None:
            return None
        binary = result.fformat(column) == pq.Format.BINARY
        if kind in FLOATS:
            number = struct.unpack(FLOATS[kind], value)[0] if binary else float(value)
            return f"{number:.{DIGITS}g}"
        if kind == OID or is_id:
            text = str(int.from_bytes(value, "big")) if binary else value.decode()
            return self.names.get(text, text)
        return value.hex() if binary else value.decode()


def run(report, own, theirs):
    """A check for each group of each tool."""
    with own.connect() as gateway, theirs.connect() as postgres:
        values = [_values(gateway, postgres), _values(postgres, postgres)]
    for path in sorted(HERE.glob("*.sql")):
        tool = path.stem.split("_")[0]
        statements = read(path)
        for group in dict.fromkeys(statement.group for statement in statements):
            chosen = [statement for statement in statements if statement.group == group]
            report.run(f"tools: {tool}: {group}", _compare, tool, chosen, own, theirs, values)


def read(path):
    """The statements of a file, each with the options of its group and its own."""
    statements, group, shared = [], None, {}
    for paragraph in path.read_text(encoding="utf-8").split("\n\n"):
        lines = [line for line in paragraph.strip().splitlines() if not line.startswith("--#")]
        options = {}
        for line in lines:
            if line.startswith("--@ "):
                name, _, value = line.removeprefix("--@ ").partition(":")
                options[name.strip()] = value.strip()
        sql = "\n".join(line for line in lines if not line.startswith("--@ "))
        if "group" in options:
            group, shared = options.pop("group"), {} if sql else dict(options)
        if sql:
            statements.append(Statement(group, sql, shared | options))
    return statements


def _compare(tool, statements, own, theirs, values):
    """Runs a group in one session on each side; fails with all the statements that differ."""
    gateway, postgres = Session(own, tool, values[0]), Session(theirs, tool, values[1])
    with gateway.connection, postgres.connection:
        faults = []
        for statement in statements:
            found, expected = gateway.run(statement), postgres.run(statement)
            fault = _meaningless(statement, expected) or _difference(found, expected)
            if fault:
                sql = " ".join(postgres.filled(statement.sql).split())
                faults.append(f"{sql[:300]}\n{fault}")
    if faults:
        raise AssertionError(f"{len(faults)} of {len(statements)} statements\n" + "\n".join(faults))
    return f"{len(statements)} statements"


def _meaningless(statement, expected):
    """Tells when PostgreSQL's answer is not what the statement was chosen for."""
    errors = [first for kind, first, *_ in expected if kind == "error"]
    if errors != ([statement.options["fails"]] if "fails" in statement.options else []):
        return f"  PostgreSQL refuses it: {expected[-1]}"
    if errors or "shape" in statement.options:
        return None
    reads = any(columns for _, _, columns, _ in expected)
    rows = any(rows for _, _, _, rows in expected)
    if reads and rows == ("empty" in statement.options):
        return "  PostgreSQL has " + ("rows" if rows else "no rows to compare")
    return None


def _difference(found, expected):
    """The first difference of two answers, or None."""
    if len(found) != len(expected) or [one[0] for one in found] != [one[0] for one in expected]:
        return f"  spanwire   {_short(found)}\n  PostgreSQL {_short(expected)}"
    for (kind, first, columns, rows), (_, their_first, their_columns, their_rows) in zip(found, expected):
        if kind == "error":
            if first != their_first:
                return f"  spanwire   {first} {columns}\n  PostgreSQL {their_first} {their_columns}"
            continue
        for what, ours, other in (("", first, their_first), ("columns ", columns, their_columns)):
            if ours != other:
                return f"  spanwire   {what}{_short(_apart(ours, other))}\n  PostgreSQL {what}{_short(_apart(other, ours))}"
        if rows != their_rows:
            at = next((n for n, pair in enumerate(zip(rows, their_rows)) if pair[0] != pair[1]), min(len(rows), len(their_rows)))
            ours, other = (dict(enumerate(side[at])) if at < len(side) else {} for side in (rows, their_rows))
            names = [name for name, _ in columns]
            ours, other = (
                {names[n]: cell for n, cell in side.items() if opposite.get(n, side) != cell}
                for side, opposite in ((ours, other), (other, ours)))
            return (f"  {len(rows)} rows, PostgreSQL has {len(their_rows)}; row {at}\n"
                    f"  spanwire   {_short(ours)}\n  PostgreSQL {_short(other)}")
    return None


def _apart(ours, other):
    """Of two lists of one length, what differs."""
    if isinstance(ours, list) and isinstance(other, list) and len(ours) == len(other):
        return [one for one, two in zip(ours, other) if one != two]
    return ours


def _short(value):
    text = str(value)
    return text if len(text) < 400 else f"{text[:400]}…"


def _error(result):
    code = result.error_field(pq.DiagnosticField.SQLSTATE).decode()
    return ("error", code, result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY).decode(), [])


def _columns(result):
    return [(result.fname(at).decode(), result.ftype(at)) for at in range(result.nfields)]


def _values(side, postgres):
    """What @name@ stands for: OIDs of a side, times within the rows of the mirror."""
    oids = {name: side.execute(f"SELECT '{source}'::{kind}::oid::text").fetchone()[0] for name, source, kind in (
        ("requests", "spanlens.requests", "regclass"), ("traces", "spanlens.traces", "regclass"),
        ("trulayer_traces", "trulayer.traces", "regclass"), ("schema", "spanlens", "regnamespace"),
        ("trulayer", "trulayer", "regnamespace"), ("role", USER, "regrole"))}
    oids["database"] = side.execute("SELECT oid::text FROM pg_database WHERE datname = current_database()").fetchone()[0]
    oids["requests_key"] = side.execute(
        "SELECT indexrelid::text FROM pg_index WHERE indrelid = 'spanlens.requests'::regclass AND indisprimary").fetchone()[0]
    # Whole days well within the rows, so that a window of a few days always holds some of every table.
    times = postgres.execute(
        "SELECT (max(created_at) - interval '12 days')::date::text, (max(created_at) - interval '5 days')::date::text, "
        "(max(created_at) - interval '8 days')::date::text FROM spanlens.requests").fetchone()
    keys = postgres.execute("SELECT min(id), max(trace_id) FROM spanlens.requests").fetchone()
    return oids | dict(zip(("from", "to", "day", "id", "trace"), (*times, *keys)))
