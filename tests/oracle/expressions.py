"""Random expressions by wanted type.

No expression fails where it is evaluated: divisors pass nullif, operands are kept small, what may be NaN or infinite is
wild and kept from arithmetic by CASE. So it does not matter which server evaluates what first. No value depends on the
order of rows: no sum of float8, and what is equal in more than one way (1.0 and 1.00, 1 month and 30 days) is made one
way before it is grouped.
"""

from typing import NamedTuple

from makers import MAKERS
from tree import expr, items
from vocabulary import LITERALS, PLAIN, mixed, quoted, tamed


class Column(NamedTuple):
    """What an expression may refer to; a local one not from a subquery within."""

    sql: str
    of: str
    wild: bool = False
    local: bool = False
    samples: tuple = ()


class Scope(NamedTuple):
    """The columns at hand, and those of the query around."""

    columns: tuple
    outer: "Scope | None" = None
    # Aggregates and what else only this query allows: type -> functions that make an expression.
    extra: dict = {}


class Expressions:
    """Makes expressions over `self.scope`."""

    def __init__(self, rng):
        self.rng = rng
        self.scope = Scope(())
        self.nested = 0

    # Subqueries are the other half's matter.
    def scalar(self, of, depth):
        """A subquery of one value."""
        raise NotImplementedError

    def column_of(self, of, depth):
        """A subquery of one column."""
        raise NotImplementedError

    def chance(self, share):
        """True so often."""
        return self.rng.random() < share

    def x(self, of, depth):
        """An expression of the type."""
        if depth <= 0 or self.chance(0.2):
            return self.leaf(of)
        if of in self.scope.extra and self.chance(0.5):
            return self.rng.choice(self.scope.extra[of])(depth - 1)
        if self.nested < 2 and self.chance(0.04) and not of.endswith("]"):
            return self.scalar(of, depth - 1)
        if self.chance(0.22):
            return self.common(of, depth - 1)
        return self.rng.choice(MAKERS[of](self, depth - 1))()

    def leaf(self, of):
        """A column, or a literal."""
        columns = [column for column in self.scope.columns if column.of == of]
        if self.scope.outer and (not columns or self.chance(0.25)):
            columns = [column for column in self.scope.outer.columns if column.of == of and not column.local] or columns
        if columns and self.chance(0.85):
            column = self.rng.choice(columns)
            return expr(of, column.sql, wild=column.wild)
        if of in self.scope.extra and self.chance(0.5):
            return self.rng.choice(self.scope.extra[of])(0)
        return self.literal(of)

    def literal(self, of):
        """A literal; of text and times also values that occur."""
        samples = [column.samples for column in self.scope.columns if column.of == of and column.samples]
        if samples and of in ("text", "timestamptz") and self.chance(0.6):
            return expr(of, ("timestamptz " if of == "timestamptz" else "") + quoted(
                self.rng.choice(self.rng.choice(samples))))
        literal = self.rng.choice(LITERALS[of])
        return expr(of, f"({literal})" if literal.startswith("-") else literal)

    def column(self, of):
        """A column if there is one, else a leaf of any kind."""
        columns = [column for column in self.scope.columns if column.of == of]
        if not columns:
            return self.leaf(of)
        column = self.rng.choice(columns)
        return expr(of, column.sql, wild=column.wild)

    def tame(self, of, depth):
        """An expression whose values arithmetic may take."""
        return tamed(self.x(of, depth))

    def small(self, of, depth, bound=1000):
        """An integer below the bound."""
        return expr(of, "(", self.x(of, depth), f" % {bound})")

    def groupable(self, depth, of=None):
        """An expression, and of a type, that has one look for each value."""
        of = of or self.rng.choice((*PLAIN, "text", "text", "numeric", "jsonb", "float8"))
        if of in PLAIN:
            return self.x(of, depth)
        if of == "numeric":
            return expr("numeric", "round(", self.tame("numeric", depth), ", 3)")
        if of == "float8":
            return mixed("float8", "(", self.x("float8", depth), " + 0)")
        return expr("text", "(", self.x(of, depth), ")::text")

    def common(self, of, depth):
        """What there is for every type."""
        kind = self.rng.randrange(6)
        if kind == 0:
            parts = ["CASE"]
            for _ in range(self.rng.randint(1, 2)):
                parts += [" WHEN ", self.x("bool", depth), " THEN ", self.x(of, depth)]
            return mixed(of, *parts, *((" ELSE ", self.x(of, depth)) if self.chance(0.7) else ()), " END")
        if kind == 1:
            return mixed(of, "coalesce(", self.x(of, depth), ", ", self.x(of, depth), ")")
        if kind == 2:
            return mixed(of, "nullif(", self.x(of, depth), ", ", self.leaf(of), ")")
        if kind == 3:
            name = self.rng.choice(("greatest", "least"))
            return mixed(of, f"{name}(", items([self.x(of, depth) for _ in range(self.rng.randint(2, 3))]), ")")
        if kind == 4 and of not in ("bool",):
            key = self.rng.choice(("text", "int8", "int4"))
            return mixed(of, "CASE ", self.x(key, depth), " WHEN ", self.leaf(key), " THEN ", self.x(of, depth),
                         " ELSE ", self.x(of, depth), " END")
        return self.x(of, depth)
