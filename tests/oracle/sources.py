"""Random sources of rows: tables, rows written in place, joins, subqueries, functions."""

from typing import NamedTuple

from aggregates import Aggregates
from expressions import Column, Scope
from facts import Table
from tree import Node, clause, expr, items, source

SYNTHETIC = {
    "k": ("int4", ()),
    "i4": ("int4", ("1::int4", "NULL", "-7", "2147483647", "0", "42", "-2147483647", "1")),
    "i8": ("int8", ("1::bigint", "9223372036854775807", "NULL", "-9223372036854775807", "0", "3000000000", "-5", "42")),
    "f8": (
        "float8",
        ("'NaN'::float8", "'Infinity'", "'-Infinity'", "NULL", "0.1", "-0.0", "1e300", "5e-324", "2.5", "-3.5")),
    "n": (
        "numeric",
        ("1.10::numeric", "NULL", "'NaN'", "-0.005", "123456789012345678901234567890.123", "0", "1e-10", "2.50")),
    "t": ("text", ("'a'::text", "NULL", "''", "'Größe'", "'🧵 漢字'", "'A'", "' x'", "E'l1\\nl2'", "'100%_'", "'12'")),
    "b": ("bool", ("true::bool", "false", "NULL")),
    "ts": ("timestamptz", ("'2026-11-15 10:00:00.123456+00'::timestamptz", "NULL", "'infinity'", "'-infinity'",
                           "'1900-01-01 00:00+00'", "'2026-03-29 01:00+00'", "'2026-10-25 00:59:59.999999+00'")),
    "d": ("date", ("'2026-02-28'::date", "NULL", "'infinity'", "'2024-02-29'", "'0044-03-15 BC'", "'1999-12-31'")),
    "iv": (
        "interval", ("'1 mon'::interval", "NULL", "'30 days'", "'-1 days +02:00:00'", "'00:00:00.000001'", "'1 year'")),
    "j": (
        "jsonb",
        (
            "'{\"a\": 1, \"b\": null}'::jsonb", "NULL", "'null'", "'[1, \"x\", {\"c\": 1.0}]'", "'\"s\"'", "'1.50'",
            "'{}'")),
    "ia": ("int4[]", ("'{1,2,NULL}'::int4[]", "NULL", "'{}'", "'{3}'")),
    "ta": ("text[]", ("'{a,NULL,\"b c\"}'::text[]", "NULL", "'{}'", "'{openai,ß}'")),
}
WILD = ("i4", "i8", "f8", "n", "ts", "d")
# Columns that belong together.
PAIRS = (
    ("spanlens.requests", "trace_id", "spanlens.traces", "id"), ("spanlens.security", "id", "spanlens.requests", "id"),
    ("trulayer.spans", "trace_id", "trulayer.traces", "id"), ("spanlens.requests", "model", "trulayer.spans", "model"),
    ("scale.spans", "parent_id", "scale.spans", "id"), ("respan.spans", "model", "adaline.spans", "model"),
    ("public.requests", "id", "spanlens.requests", "id"), ("public.spans", "trace_id", "trulayer.traces", "id"),
)


class From(NamedTuple):
    """A source of rows: its text, its columns, and what tells its rows apart (None: nothing does)."""

    node: Node
    columns: tuple
    key: tuple | None


class Sources(Aggregates):
    """Makes what stands in FROM; `self.ctes` are those that the statement begins with."""

    def __init__(self, rng, facts):
        super().__init__(rng)
        self.facts = facts
        self.ctes = []
        self.names = 0
        self.common_tables = []

    # Queries are the other half's matter.
    def query(self, depth, wanted=None, top=False):
        """A query, of these types if wanted."""
        raise NotImplementedError

    def plain(self, depth, wanted=None, top=False, alike=False):
        """SELECT without groups; `alike` makes every value of one look."""
        raise NotImplementedError

    def any_source(self, depth):
        """What there may be in FROM."""
        kind = self.rng.random()
        if kind < 0.35 or depth <= 1:
            return self.simple_source()
        if kind < 0.55:
            return self.pair()
        if kind < 0.70:
            return self._join(depth)
        if kind < 0.82:
            return self._derived(depth)
        if kind < 0.92:
            return self._lateral(depth)
        return self._function()

    def simple_source(self):
        """A table, or rows written in place."""
        if self.common_tables and self.chance(0.4):
            return self._renamed(*self.rng.choice(self.common_tables))
        if self.chance(0.35):
            return self._synthetic()
        return self.table(self.pick_table())

    def pick_table(self):
        """One of the tables."""
        return self.facts.tables[self.rng.choice(tuple(self.facts.tables))]

    def _alias(self):
        self.names += 1
        return f"r{self.names}"

    def table(self, table: Table):
        """The table under a new name."""
        alias = self._alias()
        columns = tuple(Column(f"{alias}.{_name(name)}", of, samples=tuple(table.samples.get(name, ())))
                        for name, of in table.columns.items())
        return From(source(f"{table.name} {self.rng.choice(('', 'AS '))}{alias}"), columns,
                    (f"{alias}.{table.key}",) if table.key else None)

    def _synthetic(self):
        """Rows written in place, as a CTE that the statement begins with."""
        self.names += 1
        name = f"v{self.names}"
        count = self.rng.randint(4, 8)
        chosen = ["k", *self.rng.sample(list(SYNTHETIC)[1:], self.rng.randint(4, 8))]
        rows = []
        for number in range(count):
            values = []
            for column in chosen:
                choices = SYNTHETIC[column][1]
                values.append(
                    str(number + 1) if column == "k" else choices[0] if number == 0 else self.rng.choice(choices))
            rows.append(f"({', '.join(values)})")
        how = self.rng.choice(("", "", "MATERIALIZED ", "NOT MATERIALIZED "))
        self.ctes.append(expr(None, f"{name}({', '.join(chosen)}) AS {how}(VALUES ", items(rows), ")"))
        made = (name, tuple((column, SYNTHETIC[column][0], column in WILD) for column in chosen), ("k",))
        self.common_tables.append(made)
        return self._renamed(*made)

    def common_table(self):
        """A CTE that any FROM after it may name."""
        self.names += 1
        name = f"w{self.names}"
        if self.chance(0.25):
            self.ctes.append(
                expr(None, f"{name}(i, t) AS (SELECT 1, 'a' UNION ALL SELECT i + 1, t || i FROM {name} WHERE i < 9)"))
            self.common_tables.append((name, (("i", "int4", False), ("t", "text", False)), ("i",)))
            return
        made = self.query(2)
        self.ctes.append(expr(None, f"{name} AS {self.rng.choice(('', 'MATERIALIZED '))}(", made.node, ")"))
        self.common_tables.append((name, made.outputs, None))

    def _renamed(self, name, outputs, key):
        alias = self._alias()
        columns = tuple(Column(f"{alias}.{column}", of, wild) for column, of, wild in outputs)
        return From(source(f"{name} AS {alias}"), columns, key and tuple(f"{alias}.{column}" for column in key))

    def _derived(self, depth):
        outer, self.scope = self.scope, Scope(())
        made = self.query(depth - 1)
        self.scope = outer
        alias = self._alias()
        columns = tuple(Column(f"{alias}.{name}", of, wild) for name, of, wild in made.outputs)
        return From(source("(", made.node, f") {alias}"), columns, None)

    def pair(self):
        """Two tables by columns that belong together."""
        left_name, left_column, right_name, right_column = self.rng.choice(PAIRS)
        left, right = (self.table(self.facts.tables[name]) for name in (left_name, right_name))
        kind = self.rng.choice(("JOIN", "INNER JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "LEFT OUTER JOIN"))
        one, other = _owner(left), _owner(right)
        return self._joined(left, right, kind, f"{one}.{left_column} = {other}.{right_column}")

    def _joined(self, left, right, kind, condition):
        node = source(left.node, f" {kind} ", right.node, " ON ", condition)
        key = (*left.key, *right.key) if left.key and right.key else None
        return From(node, (*left.columns, *right.columns), key)

    def _join(self, depth):
        left = self.simple_source() if self.chance(0.7) else self._derived(depth)
        right = self._synthetic() if self.chance(0.6) else self.table(self.pick_table())
        if self.chance(0.25):
            return self._using(left, right)
        kinds = sorted({column.of for column in left.columns} & {column.of for column in right.columns} - {"jsonb"})
        if not kinds or self.chance(0.1):
            right = self._synthetic()
            return From(
                source(left.node, self.rng.choice((" CROSS JOIN ", ", ")), right.node),
                (*left.columns, *right.columns), (*left.key, *right.key) if left.key and right.key else None)
        of = self.rng.choice(kinds)
        pair = [self.rng.choice([column for column in place.columns if column.of == of]).sql for place in (left, right)]
        kind = self.rng.choice(("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"))
        place = self._joined(left, right, kind, f"{pair[0]} = {pair[1]}")
        if kind != "FULL JOIN" and self.chance(0.3):
            outer, self.scope = self.scope, Scope(place.columns)
            place.node.parts.append(clause(" AND ", self.x("bool", 1)))
            self.scope = outer
        return place

    def _using(self, left, right):
        """A join by USING, on columns of the same name and type."""
        mine = {column.sql.split(".")[1]: column for column in left.columns}
        theirs = {column.sql.split(".")[1]: column for column in right.columns}
        shared = [name for name in mine if name in theirs and mine[name].of == theirs[name].of != "jsonb"]
        if not shared:
            right = self._copy_of(left)
            if right is None:
                return left
            shared = [column.sql.split(".")[1] for column in left.columns if column.of != "jsonb"]
        if not shared:
            return left
        names = self.rng.sample(shared, min(len(shared), self.rng.randint(1, 2)))
        kind = self.rng.choice(("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"))
        merged = tuple(column._replace(sql=column.sql.split(".")[1], local=True)
                       for column in left.columns if column.sql.split(".")[1] in names)
        key = (*left.key, *right.key) if left.key and right.key else None
        return From(source(left.node, f" {kind} ", right.node, f" USING ({', '.join(names)})"),
                    (*merged, *left.columns, *right.columns), key)

    def _copy_of(self, place):
        """The same table again under another name."""
        text, alias = place.node.sql(), _owner(place)
        if text.startswith("(") or not text.endswith(alias):
            return None
        other = self._alias()
        columns = tuple(column._replace(sql=column.sql.replace(f"{alias}.", f"{other}.")) for column in place.columns)
        return From(source(f"{text.removesuffix(alias)}{other}"), columns,
                    place.key and tuple(key.replace(f"{alias}.", f"{other}.") for key in place.key))

    def _lateral(self, depth):
        """A table and, for each row, a subquery or a function over it."""
        left = self.simple_source()
        outer, self.scope = self.scope, Scope(left.columns)
        alias = self._alias()
        join = self.rng.choice((" CROSS JOIN LATERAL ", ", LATERAL ", " LEFT JOIN LATERAL "))
        on = " ON true" if "LEFT" in join else ""
        key = None
        kind = self.rng.randrange(4)
        if kind == 0:
            self.nested += 1
            made = self.plain(1)
            self.nested -= 1
            columns = tuple(Column(f"{alias}.{name}", of, wild) for name, of, wild in made.outputs)
            inner = source("(", made.node, f") AS {alias}")
        elif kind == 1:
            inner = source("unnest(", self.x("text[]", 1), f") WITH ORDINALITY AS {alias}(e, n)")
            columns = (Column(f"{alias}.e", "text"), Column(f"{alias}.n", "int8"))
            key = left.key and (*left.key, f"{alias}.n")
        elif kind == 2:
            inner = source("generate_series(1, abs(", self.small("int4", 1, 4), f")) AS {alias}(i)")
            columns = (Column(f"{alias}.i", "int4"),)
            key = left.key and (*left.key, f"{alias}.i")
        else:
            inner = source("jsonb_each(CASE jsonb_typeof(", (j := self.x("jsonb", 1)), ") WHEN 'object' THEN ", j,
                           f" END) AS {alias}(p, v)")
            columns = (Column(f"{alias}.p", "text"), Column(f"{alias}.v", "jsonb"))
            key = left.key and (*left.key, f"{alias}.p")
        self.scope = outer
        return From(source(left.node, join, inner, on), (*left.columns, *columns), key)

    def _function(self):
        alias = self._alias()
        kind = self.rng.randrange(4)
        if kind == 0:
            bounds = f"{self.rng.randint(-3, 3)}, {self.rng.randint(4, 12)}, {self.rng.randint(1, 3)}"
            return From(
                source(f"generate_series({bounds}) AS {alias}(i)"), (Column(f"{alias}.i", "int4"),), (f"{alias}.i",))
        if kind == 1:
            step = self.rng.choice(("1 day", "6 hours", "1 month", "90 minutes"))
            bounds = f"timestamptz '2026-03-27 00:00Z', timestamptz '2026-04-05 00:00Z', '{step}'"
            return From(
                source(f"generate_series({bounds}) AS {alias}"), (Column(f"{alias}.{alias}", "timestamptz"),),
                (f"{alias}.{alias}",))
        if kind == 2:
            return From(
                source(f"unnest(ARRAY[1, 2, NULL], ARRAY['a', 'b', 'c', 'd']) WITH ORDINALITY AS {alias}(x, y, n)"),
                (Column(f"{alias}.x", "int4"), Column(f"{alias}.y", "text"), Column(f"{alias}.n", "int8")),
                (f"{alias}.n",))
        return From(
            source(f"(VALUES (1, 'x', 1.5), (2, NULL, 2.50), (3, 'z', -1)) AS {alias}(a, b, c)"),
            (Column(f"{alias}.a", "int4"), Column(f"{alias}.b", "text"), Column(f"{alias}.c", "numeric")),
            (f"{alias}.a",))


def _owner(place):
    """The alias of a source that is one table."""
    return place.columns[0].sql.split(".")[0]


def _name(column):
    """The column as SQL has it."""
    quoted = ("timestamp", "input", "output", "type", "name", "error", "environment")
    return f'"{column}"' if column in quoted else column
