"""Random statements: seeded, typed, and with an answer that does not depend on the server's plan.

`statement(facts, seed, number)` is the same tree for the same rows. Rows come from the demo's tables and from small
ones written in place, with NULL, NaN, infinities, big numbers and letters beyond ASCII. LIMIT stands only where ORDER
BY is total; windows that look at single rows are ordered by a key.
"""

import random
from typing import NamedTuple

from expressions import Column, Scope
from sources import Sources
from tree import Node, clause, expr, items, query
from vocabulary import PLAIN, quoted

OUT = ("int4", "int8", "int8", "float8", "numeric", "text", "text", "text", "bool", "timestamptz", "timestamp", "date",
       "interval", "jsonb", "int4[]", "text[]")

LIMITS = (" LIMIT 5", " LIMIT 20 OFFSET 3", " OFFSET 2", " FETCH FIRST 7 ROWS ONLY", "",
          " FETCH FIRST 5 ROWS WITH TIES", " LIMIT 3 + 4", " LIMIT ALL")
# The columns that the tables' time ranges are about.
TIMES = ("created_at", "started_at", "detected_at", "start_timestamp", "timestamp")
EXTREMES = ("min(", "max(", "every(", "bool_and(", "bool_or(")


class Query(NamedTuple):
    """A query: its text, (name, type, wild) of what it gives, and whether another must sort its rows.

    It must where there is an ORDER BY already, and with grouping sets: PostgreSQL takes their keys for equal to what
    WHERE says they are, though they may be NULL.
    """

    node: Node
    outputs: tuple
    ordered: bool = False


def statement(facts, seed, number, profile=None):
    """The statement of that number."""
    generator = _Generator(random.Random(f"{seed}:{number}:{profile}"), facts)
    if profile == "held":
        return generator.pushdown(sliced=True) if generator.chance(0.7) else generator.statement()
    return generator.pushdown() if profile == "pushdown" else generator.statement()


class _Generator(Sources):
    # Whole statements

    def statement(self):
        """A statement; its tree says whether its rows are in order."""
        if self.chance(0.15):
            self.common_table()
        made = self.query(3, top=True)
        node = self._ordered(made) if self.chance(0.55) else made.node
        return self._whole(node, node is not made.node)

    def _whole(self, node, ordered):
        """The query with the CTEs that it refers to."""
        if self.ctes:
            recursive = "RECURSIVE " if any("UNION ALL SELECT i" in cte.sql() for cte in self.ctes) else ""
            node = query("WITH ", recursive, items(self.ctes), " ", node)
        node.ordered = ordered
        return node

    def pushdown(self, sliced=False):
        """A statement over one table or two, whose conditions the upstreams may answer; sliced: over a part of the time."""
        place = self.table(self.pick_table()) if self.chance(0.75) else self.pair()
        self.scope = Scope(place.columns)
        conditions = [self._plain_condition() for _ in range(self.rng.randint(1, 3))]
        where = items(conditions, self.rng.choice((" AND ", " AND ", " AND ", " OR ")))
        if sliced and (ranges := self._time_ranges(place)):
            kept = [] if self.chance(0.3) else [expr("bool", "(", where, ")")]
            where = items([*ranges, *kept], " AND ")
        if self.chance(0.3):
            keys = [self.column("text"), *([self.column("bool")] if self.chance(0.3) else [])]
            node = query(
                "SELECT ", items([*keys, self.aggregate("int8", 0), self.aggregate("int8", 1)]), " FROM ", place.node,
                " WHERE ", where, " GROUP BY ", items([self._copy(key) for key in keys]))
            return self._whole(node, False)
        columns = self.rng.sample(place.columns, min(len(place.columns), self.rng.randint(1, 6)))
        outputs = [expr(column.of, column.sql) for column in columns]
        node = query(
            "SELECT ", items([*outputs, *(expr("text", key) for key in place.key or ())]), " FROM ", place.node,
            " WHERE ", where)
        if place.key and self.chance(0.6):
            first = self.by(self.column(self.rng.choice(("timestamptz", "text", "int8"))))
            node.parts.append(clause(" ORDER BY ", items([first, *place.key])))
            if self.chance(0.8):
                node.parts.append(clause(f" LIMIT {self.rng.choice((1, 5, 20, 100))}"))
            if self.chance(0.2):
                node.parts.append(clause(f" OFFSET {self.rng.choice((1, 7))}"))
            node = query(
                "SELECT * FROM (", node, ") AS q ORDER BY ",
                ", ".join(map(str, range(1, len(columns) + len(place.key) + 1))))
        return self._whole(node, False)

    def _time_ranges(self, place):
        """Bounds of the tables' times, each perhaps; at instants of rows, or just beside them."""
        conditions = []
        for column in place.columns:
            if column.sql.split(".")[1].strip('"') not in TIMES or not column.samples or self.chance(0.3):
                continue
            low, high = (self._instant(value) for value in sorted(self.rng.choices(column.samples, k=2)))
            conditions.append(expr("bool", self.rng.choice((
                f"({column.sql} >= {low} AND {column.sql} < {high})", f"({column.sql} BETWEEN {low} AND {high})",
                f"({column.sql} > {low} AND {column.sql} <= {high})", f"({column.sql} >= {low})",
                f"({column.sql} > {low})", f"({column.sql} < {high})", f"({column.sql} = {low})"))))
        return conditions

    def _instant(self, value):
        beside = self.rng.choice(("", "", "", " - interval '1 microsecond'", " + interval '1 millisecond'"))
        return f"timestamptz {quoted(value)}{beside}"

    def _plain_condition(self):
        """What a dashboard asks for: a column, an operator, a value that occurs."""
        kind = self.rng.randrange(10)
        if kind == 9:
            return self.x("bool", 2)
        usable = [column for column in self.scope.columns if column.samples]
        column = self.rng.choice(usable)
        values = [quoted(value) for value in column.samples]
        value = self.rng.choice(values)
        if kind < 4 or column.of == "bool":
            operator = self.rng.choice(("=", "=", "<>", "<", "<=", ">", ">=") if column.of != "bool" else ("=",))
            condition = expr("bool", f"({column.sql} {operator} {value})")
        elif kind == 4:
            some = items(self.rng.sample(values, min(len(values), 3)))
            condition = expr("bool", f"({column.sql} {self.rng.choice(('IN', 'IN', 'NOT IN'))} (", some, "))")
        elif kind == 5:
            condition = expr("bool", f"({column.sql} BETWEEN {min(values)} AND {max(values)})")
        elif kind == 6 and column.of == "text":
            part = self.rng.choice(column.samples)[:4].replace("\\", "\\\\")
            pattern = quoted(self.rng.choice((f"{part}%", f"%{part}%", part, f"%{part.upper()}")))
            condition = expr("bool", f"({column.sql} {self.rng.choice(('LIKE', 'ILIKE', 'NOT LIKE'))} {pattern})")
        elif kind == 7:
            condition = expr("bool", f"({column.sql} IS {self.rng.choice(('', 'NOT '))}NULL)")
        elif kind == 8 and column.of == "timestamptz":
            condition = expr("bool", f"(date_trunc('day', {column.sql}) = date_trunc('day', timestamptz {value}))")
        else:
            other = self.rng.choice(values)
            condition = expr("bool", f"({column.sql} >= {min(value, other)} AND {column.sql} < {max(value, other)})")
        return expr("bool", "(NOT ", condition, ")") if self.chance(0.15) else condition

    def _ordered(self, made):
        """The query within one that sorts by all it gives, and perhaps takes a part."""
        names = [f"c{number}" for number in range(1, len(made.outputs) + 1)]
        limit = clause(self.rng.choice(LIMITS))
        text = made.node.sql()
        if "TIES" in limit.sql() and any(name in text for name in EXTREMES) and "GROUP BY" not in text:
            # PostgreSQL 15 reads max(constant) over no groups from its rows one by one, and is surprised by the second.
            limit = clause()
        if not made.ordered and all(of in PLAIN for _, of, _ in made.outputs):
            order = [self.by(str(number)) for number in self.rng.sample(range(1, len(names) + 1), len(names))]
            return _in_order(made.node, " ORDER BY ", items(order, least=len(order)), limit)
        order = []
        for name, (_, of, _) in zip(names, made.outputs):
            order.append(self.by(f"q.{name}"))
            if of not in PLAIN:
                order.append(f"q.{name}::text")
        return _in_order(
            "SELECT * FROM (", made.node, f") AS q({', '.join(names)}) ORDER BY ", items(order, least=len(order)),
            limit)

    # Queries

    def query(self, depth, wanted=None, top=False):
        kind = self.rng.random()
        if kind < 0.15 and depth > 1:
            return self._set_operation(depth, wanted)
        if kind < 0.4 and not (wanted and len(wanted) > 4):
            return self._grouped(depth, wanted, top)
        return self.plain(depth, wanted, top)

    def _set_operation(self, depth, wanted):
        wanted = wanted or [self.rng.choice(PLAIN) for _ in range(self.rng.randint(1, 3))]
        operator = self.rng.choice(
            ("UNION", "UNION ALL", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"))
        distinct = operator != "UNION ALL"
        parts = []
        for _ in range(2):
            if distinct:
                made = self.plain(depth - 1, wanted, alike=True)
            else:
                made = self.query(depth - 1, wanted)
            parts.append(made)
        outputs = tuple((name, of, any(part.outputs[at][2] for part in parts))
                        for at, (name, of, _) in enumerate(parts[0].outputs))
        return Query(query("(", parts[0].node, f") {operator} (", parts[1].node, ")"), outputs)

    def plain(self, depth, wanted=None, top=False, alike=False):
        outer = self.scope
        place = self.any_source(depth)
        self.scope = Scope(place.columns, self._visible(outer))
        where = clause(" WHERE ", self.x("bool", depth)) if self.chance(0.6) else clause()
        kinds = wanted or [self.rng.choice(OUT) for _ in range(self.rng.randint(1, 5))]
        windowed = not alike and depth > 1 and self.chance(0.25)
        windows = clause()
        if windowed:
            if self.chance(0.3):
                windows = clause(" WINDOW w AS (PARTITION BY ", self.partition(), ")")
            self.scope = Scope(place.columns, self.scope.outer,
                               {of: [lambda d, of=of: self.window(of, d, place, bool(windows.parts))] for of in
                                ("int8", "text", "numeric", "int4")})
        distinct = "DISTINCT " if not windowed and self.chance(0.12) else ""
        nodes = [
            self.groupable(depth, of if wanted is None or of in PLAIN else None)
            if distinct or alike else self.x(of, depth)
            for of in kinds]
        if wanted and (distinct or alike):
            nodes = [node if node.of == of else expr(of, "(", node, f")::{of}") for node, of in zip(nodes, kinds)]
        if not windowed and not alike and not distinct and not wanted and place.key and self.chance(0.08):
            on = self._key(1)
            self.scope = outer
            selected, outputs = self._select_list(nodes, top)
            return Query(query("SELECT DISTINCT ON (", on, ") ", selected, " FROM ", place.node, where, " ORDER BY ",
                               self._copy(on), ", ", ", ".join(place.key)), outputs, ordered=True)
        self.scope = outer
        selected, outputs = self._select_list(nodes, top)
        return Query(query("SELECT ", distinct, selected, " FROM ", place.node, where, windows), outputs)

    def _grouped(self, depth, wanted=None, top=False):
        outer = self.scope
        place = self.any_source(depth)
        self.scope = Scope(place.columns, self._visible(outer))
        where = clause(" WHERE ", self.x("bool", depth - 1)) if self.chance(0.5) else clause()
        full = self.scope
        keys = []
        sets = self.chance(0.25)
        if sets:
            keys = self._distinct_columns(place)
        for _ in range(0 if sets else self.rng.choice((0, 1, 1, 2, 2, 3))):
            self.scope = Scope(place.columns)
            nested, self.nested = self.nested, 9
            key = self._key(depth)
            self.nested = nested
            if key.sql() not in [other.sql() for other in keys]:
                keys.append(key)
        sets = sets and len(keys) > 1
        # Only a key that is a column may stand in a subquery.
        names = {column.sql for column in place.columns}
        grouped = tuple(Column(key.sql(), key.of, key.wild, local=key.sql() not in names) for key in keys)
        extra = {of: [lambda d, of=of: self.aggregate_in(of, d, full)] for of in
                 ("int8", "numeric", "text", "timestamptz", "int4", "bool", "jsonb", "text[]", "date", "float8")}
        if sets:
            extra["int4"].append(lambda d: expr("int4", "grouping(", items([self.rng.choice(keys).sql()]), ")"))
        self.scope = Scope(grouped, self._visible(outer), extra)
        kinds = wanted or [self.rng.choice(tuple(extra)) for _ in range(self.rng.randint(1, 3))]
        nodes = [self.x(of, self.rng.choice((1, 1, 2))) for of in kinds]
        if not wanted:
            nodes = [*(self._copy(key) for key in keys), *nodes]
        having = clause(" HAVING ", self.x("bool", 2)) if self.chance(0.3) else clause()
        self.scope = outer
        selected, outputs = self._select_list(nodes, top)
        group = self._group_by(keys, sets, positions=not wanted)
        return Query(query("SELECT ", selected, " FROM ", place.node, where, group, having), outputs, ordered=sets)

    def _distinct_columns(self, place):
        """Keys for grouping sets: columns of different types, as PostgreSQL sorts equal keys of a set only once."""
        kinds = self.rng.sample([of for of in PLAIN if of != "int4"], 3)
        return [expr(column.of, column.sql, wild=column.wild) for of in kinds for column in
                self.rng.sample([column for column in place.columns if column.of == of][:5] or [None], 1) if column]

    def _key(self, depth):
        """A grouping key: it refers to a column, as a constant would be a position."""
        for _ in range(20):
            key = self.groupable(self.rng.choice((0, 1, 1, 2)) if depth > 1 else 0)
            if any(column.sql in key.sql() for column in self.scope.columns):
                return key
        return expr("text", "(", self.scope.columns[0].sql, ")::text")

    def _group_by(self, keys, sets, positions):
        if not keys:
            return clause()
        nodes = [self._copy(key) for key in keys]
        if sets:
            kind = self.rng.randrange(3)
            if kind < 2:
                return clause(" GROUP BY ", ("ROLLUP (", "CUBE (")[kind], items(nodes), ")")
            return clause(" GROUP BY GROUPING SETS (", items([expr(None, "(", node, ")") for node in nodes] + [
                expr(None, "(", ", ".join(node.sql() for node in nodes), ")"), expr(None, "()")]), ")")
        if positions and self.chance(0.3):
            nodes = [expr(None, str(at)) for at in range(1, len(keys) + 1)]
        return clause(" GROUP BY ", items(nodes))

    def _copy(self, node):
        return expr(node.of, node.sql(), wild=node.wild)

    def _select_list(self, nodes, top):
        """The list of SELECT, names of its own for most items, and what it gives."""
        outputs, parts = [], []
        for node in nodes:
            self.names += 1
            name = f"o{self.names}"
            outputs.append((name, node.of, node.wild))
            parts.append(node if top and self.chance(0.3) else expr(node.of, node, f" AS {name}", wild=node.wild))
        return items(parts), tuple(outputs)

    def _visible(self, outer):
        """The columns of the query around for one within it."""
        return Scope(tuple(column for column in outer.columns if not column.local)) if outer.columns else None

    # Subqueries

    def scalar(self, of, depth):
        """A subquery of at most one row."""
        outer = self.scope
        self.nested += 1
        place = self.simple_source()
        self.scope = Scope(place.columns, self._visible(outer))
        where = clause(" WHERE ", self.x("bool", max(depth, 1))) if self.chance(0.8) else clause()
        if place.key and self.chance(0.4):
            node = self.x(of, depth)
            limit = " ORDER BY " + ", ".join(place.key) + self.rng.choice(
                (" LIMIT 1", " DESC LIMIT 1", " FETCH FIRST ROW ONLY"))
            made = expr(of, "(SELECT ", node, " FROM ", place.node, where, limit, ")", wild=node.wild)
        else:
            self.scope = Scope(place.columns)
            node = self.aggregate(of, 1)
            made = expr(of, "(SELECT ", node, " FROM ", place.node, where, ")", wild=node.wild)
        self.scope = outer
        self.nested -= 1
        return made

    def column_of(self, of, depth):
        """A subquery of one column and some rows."""
        outer = self.scope
        self.nested += 1
        place = self.simple_source()
        self.scope = Scope(place.columns, self._visible(outer))
        where = clause(" WHERE ", self.x("bool", max(depth, 1))) if self.chance(0.7) else clause()
        node = query("SELECT ", self.x(of, min(depth, 1)), " FROM ", place.node, where)
        self.scope = outer
        self.nested -= 1
        return node


def _in_order(*parts):
    """A query that fixes the order of its rows."""
    node = query(*parts)
    node.ordered = True
    return node
