"""A statement as a tree of nodes that know how they may be made smaller.

A node is text and nodes in turn. An expression has a type and may be replaced by one of its type within it; a clause
may be left out; a list may lose items; a source of rows (FROM) and a query may be replaced by one within them.
"""


class Node:
    """A part of a statement."""

    def __init__(self, kind, *parts, of=None, wild=False, separator="", least=0):
        self.kind = kind  # expr, clause, list, source or query
        self.parts = list(parts)
        self.of = of  # an expression's type
        # Whether values may be NaN, infinite or huge, so that arithmetic could fail.
        self.wild = wild
        self.separator = separator
        self.least = least
        # Whether the order of the rows is fixed, of a whole statement and of the query in it that fixes it.
        self.ordered = False

    def sql(self):
        """The text."""
        return self.separator.join(part if isinstance(part, str) else part.sql() for part in self.parts)

    def nodes(self):
        """The nodes directly within."""
        return [part for part in self.parts if isinstance(part, Node)]

    def below(self):
        """All nodes within, outer ones first."""
        level = self.nodes()
        while level:
            yield from level
            level = [inner for node in level for inner in node.nodes()]


def expr(of, *parts, wild=False):
    """An expression; text and nodes in turn."""
    return Node("expr", *parts, of=of, wild=wild)


def clause(*parts):
    """What may be left out as a whole."""
    return Node("clause", *parts)


def items(nodes, separator=", ", least=1):
    """A list that keeps at least so many of its items."""
    return Node("list", *nodes, separator=separator, least=least)


def source(*parts):
    """What stands in FROM."""
    return Node("source", *parts)


def query(*parts):
    """A SELECT, VALUES or several of them together."""
    return Node("query", *parts)
