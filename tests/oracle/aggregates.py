"""Random aggregates and window functions, whose value does not depend on the order of rows."""

from expressions import Expressions, Scope
from tree import clause, expr, items
from vocabulary import sure

ROW_FRAMES = (
    "ROWS BETWEEN 2 PRECEDING AND CURRENT ROW", "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
    "ROWS BETWEEN CURRENT ROW AND 3 FOLLOWING", "ROWS 1 PRECEDING", "ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING",
    "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW", "ROWS UNBOUNDED PRECEDING EXCLUDE TIES",
    "GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW", "RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE GROUP")
VALUE_FRAMES = ("", " RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", " RANGE BETWEEN 10 PRECEDING AND 5 FOLLOWING",
                " GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
                " RANGE BETWEEN CURRENT ROW AND CURRENT ROW EXCLUDE GROUP")


class Aggregates(Expressions):
    """Makes aggregates and window functions over `self.scope`."""

    def aggregate_in(self, of, depth, full):
        """An aggregate over the rows of the group; nothing of the query around within."""
        scope, self.scope = self.scope, Scope(full.columns)
        nested, self.nested = self.nested, 9
        node = self.aggregate(of, min(depth, 1))
        self.scope, self.nested = scope, nested
        return node

    def aggregate(self, of, depth):
        """An aggregate of the type."""
        r = self.rng
        distinct = "DISTINCT " if self.chance(0.15) else ""
        over = clause()
        if self.chance(0.2):
            over = clause(" FILTER (WHERE ", self.x("bool", depth), ")")
        if of == "int8":
            return r.choice((
                lambda: expr(of, "count(*)", over),
                lambda: expr(of, f"count({distinct}", self.groupable(depth), ")", over),
                lambda: expr(of, f"sum({distinct}", self.small("int4", depth), ")", over),
                lambda: expr(of, f"{r.choice(('min', 'max'))}(", (x := self.x(of, depth)), ")", over, wild=x.wild),
                lambda: expr(
                    of, "percentile_disc(0.5) WITHIN GROUP (ORDER BY ", (x := self.x(of, depth)), ")", over,
                    wild=x.wild),
                lambda: expr(
                    of, f"{r.choice(('bit_and', 'bit_or'))}(", (x := self.x(of, depth)), ")", over, wild=x.wild),
            ))()
        if of == "numeric":
            return r.choice((
                lambda: expr(of, f"sum({distinct}", self.x("int8", depth), ")", over, wild=True),
                lambda: expr(of, f"avg({distinct}", self.x(r.choice(("int4", "int8")), depth), ")", over, wild=True),
                lambda: expr(of, f"{r.choice(('sum', 'avg', 'min', 'max'))}(", self.groupable(depth, of), ")", over),
                lambda: expr(
                    of, f"{r.choice(('stddev', 'var_pop', 'variance', 'stddev_pop'))}(", self.small("int8", depth), ")",
                    over),
            ))()
        if of == "float8":
            return r.choice((
                lambda: expr(
                    of, f"{r.choice(('min', 'max'))}(", (x := self.groupable(depth, of)), ")", over, wild=True),
                lambda: expr(
                    of, f"percentile_cont({r.choice((0.5, 0.95))}) WITHIN GROUP (ORDER BY ", self.tame(of, depth), ")",
                    over),
            ))()
        if of == "text":
            x = sure(self.x(of, depth))
            if self.chance(0.5):
                return expr(of, f"{r.choice(('min', 'max'))}(", x, ")", over)
            if distinct:
                # The separator is part of what must be distinct, and of one type with the literal of ORDER BY.
                return expr(of, "string_agg(DISTINCT ", x, ", ',' ORDER BY ", x, ")", over)
            return expr(of, "string_agg(", x, ", ',' ORDER BY ", x, ")", over)
        if of == "bool":
            return expr(of, f"{r.choice(('bool_and', 'bool_or', 'every'))}(", self.x(of, depth), ")", over)
        if of == "jsonb":
            x = sure(self.x("text", depth))
            return expr(of, "jsonb_agg(", x, " ORDER BY ", x, self.rng.choice(("", " DESC")), ")", over)
        if of == "text[]":
            x = sure(self.x("text", depth))
            return expr(of, f"array_agg({distinct}", x, " ORDER BY ", x, ")", over)
        if of == "int4[]":
            x = self.x("int4", depth)
            return expr(of, f"array_agg({distinct}", x, " ORDER BY ", x, " DESC)", over)
        if of == "interval":
            return expr(of, "(count(*)", over, " * interval '1 hour')")
        x = self.x(of, depth)
        return expr(of, f"{r.choice(('min', 'max'))}(", x, ")", over, wild=x.wild)

    def partition(self):
        """What rows are parted by."""
        scope = self.scope
        self.scope = Scope(scope.columns)
        node = self.groupable(1)
        self.scope = scope
        return node

    def window(self, of, depth, place, named):
        """A window function; one that looks at single rows only where a key orders them."""
        scope, self.scope = self.scope, Scope(self.scope.columns)
        nested, self.nested = self.nested, 9
        base = "w " if named and self.chance(0.6) else ""
        partition = "" if base or self.chance(0.5) else expr(None, "PARTITION BY ", self.partition(), " ")
        key = ", ".join(place.key) if place.key else None
        frame = ""
        if key and self.chance(0.7):
            order = expr(
                None, "ORDER BY ", items([self.by(self.x(self.rng.choice(("int8", "timestamptz", "text")), 1)), key]))
            frame = expr(None, " ", self.rng.choice(ROW_FRAMES)) if self.chance(0.5) else ""
        else:
            key = None
            value = self.x("int8", 1)
            frame = self.rng.choice(VALUE_FRAMES)
            order = expr(None, "ORDER BY ", value, self.rng.choice(("", "", " DESC", " NULLS FIRST")))
        function = self._window_function(of, depth, key)
        self.scope, self.nested = scope, nested
        return expr(of, function, " OVER (", base, partition, order, frame, ")", wild=True)

    def _window_function(self, of, depth, key):
        r = self.rng
        x = sure(self.x(of, min(depth, 1)))
        if of == "int8" and self.chance(0.5):
            return r.choice((f"{r.choice(('rank', 'dense_rank'))}()", "count(*)", "row_number()" if key else "rank()"))
        if of == "int4" and key and self.chance(0.5):
            return f"ntile({r.randint(1, 5)})"
        if of == "numeric" and self.chance(0.6):
            return expr(None, r.choice(("sum(", "avg(")), self.x("int8", 1), ")")
        if key:
            return r.choice((
                lambda: expr(
                    None, r.choice(("lag(", "lead(")), x, f", {r.randint(0, 3)})" if self.chance(0.6) else ")"),
                lambda: expr(None, r.choice(("first_value(", "last_value(")), x, ")"),
                lambda: expr(None, "nth_value(", x, f", {r.randint(1, 3)})"),
            ))()
        if of == "numeric":
            return expr(None, "sum(", self.groupable(1, "numeric"), ")")
        return expr(None, r.choice(("min(", "max(")), x, ")")

    def by(self, what):
        """The key with a direction."""
        how = self.rng.choice(("", "", " DESC", " ASC", " DESC NULLS LAST", " NULLS FIRST"))
        return expr(None, what, how)
