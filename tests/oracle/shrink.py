"""Makes a differing statement small: leaves out clauses, items and sub-expressions while it still differs alike.

Works on the tree that the generator made, so each attempt is well formed; whether it means anything is for PostgreSQL
to say, since an attempt that changes what PostgreSQL does is none.
"""

from judge import judge
from tree import Node

ATTEMPTS = 600
SIMPLE = {
    "int4": ("1",), "int8": ("1::bigint",), "float8": ("1::float8",), "numeric": ("1.5",), "text": ("'a'",),
    "bool": ("true", "false"), "timestamptz": ("timestamptz '2026-01-02 03:04:05+00'",), "date": ("date '2026-01-02'",),
    "timestamp": ("timestamp '2026-01-02 03:04:05'",), "interval": ("interval '1 day'",), "jsonb": ("'{}'::jsonb",),
    "int4[]": ("ARRAY[1]",), "text[]": ("ARRAY['a']",),
}


def shrink(tree, verdict, own, theirs):
    """The smallest statement found that differs in the same way; the tree itself becomes it."""
    return _Shrinker(tree, verdict, own, theirs).run()


class _Shrinker:
    def __init__(self, tree, verdict, own, theirs):
        self.tree = tree
        self.want = _way(verdict)
        self.sides = own, theirs
        self.left = ATTEMPTS

    def run(self):
        """Tries every reduction until none of them keeps the difference."""
        while self.left > 0 and self._pass():
            pass
        return self.tree

    def _pass(self):
        better = self._root()
        # Taken anew after each success, as the nodes below may be gone.
        place = 0
        while self.left > 0:
            nodes = [self.tree, *self.tree.below()]
            if place >= len(nodes):
                return better
            if self._reduce(nodes[place]):
                better = True
            else:
                place += 1
        return better

    def _root(self):
        """A query within the statement in place of the whole."""
        for node in list(self.tree.below()):
            if node.kind == "query":
                whole, self.tree = self.tree, node
                if self._differs():
                    return True
                self.tree = whole
        return False

    def _reduce(self, node):
        return (node.kind == "list" and self._fewer(node)) or any(
            self._replace(node, at, child) for at, child in enumerate(node.parts) if isinstance(child, Node))

    def _fewer(self, node):
        for at in range(len(node.parts) - 1, -1, -1):
            if len(node.parts) > node.least:
                part = node.parts.pop(at)
                if self._differs():
                    return True
                node.parts.insert(at, part)
        return False

    def _replace(self, node, at, child):
        for other in _smaller(child):
            node.parts[at] = other
            if self._differs():
                return True
        node.parts[at] = child
        return False

    def _differs(self):
        if self.left <= 0:
            return False
        self.left -= 1
        return _way(judge(*self.sides, self.tree.sql(), self.tree.ordered)) == self.want


def _smaller(node):
    if node.kind == "clause":
        if node.parts:
            yield Node("clause")
    elif node.kind == "expr":
        simple = SIMPLE.get(node.of, ())
        if node.sql() not in simple:
            yield from (Node("expr", text, of=node.of) for text in simple)
            yield from (inner for inner in node.below() if inner.kind == "expr" and inner.of == node.of)
    elif node.kind in ("source", "query") and not node.ordered:
        yield from (inner for inner in node.below() if inner.kind == node.kind)


def _way(verdict):
    """What must stay: the kind of difference, and the codes of both."""
    return (verdict.hard[:1], *(answer.error and answer.error[0] for answer in (verdict.own, verdict.theirs)))
