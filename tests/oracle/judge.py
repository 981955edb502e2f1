"""One statement on two servers: what they answer, and in what they differ.

A side is asked in text by the simple protocol and in binary by the extended one. Compared are the columns' names, types
and type modifiers, the values in both formats, the rows' order where the statement fixes it, and the code of a refusal.
Its message and its position are compared too, but counted apart: they do not make a statement differ.
"""

import math
import struct
import time
from collections import Counter
from typing import NamedTuple

from psycopg import pq

FLOAT8 = 701
# The types of arrays, which begin with the number of dimensions and whether there are NULLs.
ARRAYS = frozenset((199, 1000, 1001, 1002, 1003, 1005, 1007, 1009, 1014, 1015, 1016, 1021, 1022, 1028, 1115, 1182, 1183,
                    1185, 1187, 1231, 1270, 2951, 3807))
DIGITS = 12
# Differences that do not make a statement differ.
SOFT = ("message", "position")
# Rows of an answer in the log.
SHOWN = 5
# The codes of a statement that takes too long, or that asks for a value beyond what memory holds.
OUT_OF_MEMORY = "53200"
GIVEN_UP = ("57014", OUT_OF_MEMORY, "54000")


class Answer(NamedTuple):
    """The columns and rows, or the error as (code, message, position)."""

    names: tuple = ()
    types: tuple = ()
    mods: tuple = ()
    rows: tuple = ()
    error: tuple | None = None


class Side:
    """A session with one of the servers, opened again when the server ends it."""

    def __init__(self, name, port, user, database, password="", settings=()):
        self.name = name
        self.info = f"host=127.0.0.1 port={port} user={user} dbname={database} connect_timeout=10"
        self.info += f" password={password}" if password else ""
        self.settings = tuple(settings)
        self.session = ()
        self.connection = None
        self.seconds = 0.0
        self.asked = 0
        self._connect()

    def close(self):
        """Ends the session."""
        self.connection.finish()

    def use(self, session):
        """Makes these SET statements hold, and none of those before; returns the answer that refuses one, or None."""
        if session == self.session:
            return None
        for statement in self.session:
            self._must("RESET " + statement.split()[1])
        self.session = ()
        for statement in session:
            answer = self.ask(statement)
            if answer.error is not None:
                for done in session[:session.index(statement)]:
                    self._must("RESET " + done.split()[1])
                return answer
        self.session = session
        return None

    def ask(self, sql, binary=False):
        """The server's answer to one statement."""
        begun = time.monotonic()
        if binary:
            result = self.connection.exec_params(sql.encode(), None, result_format=pq.Format.BINARY)
        else:
            result = self.connection.exec_(sql.encode())
        self.seconds += time.monotonic() - begun
        self.asked += 1
        if self.connection.status != pq.ConnStatus.OK:
            message = self.connection.get_error_message()
            self._connect()
            return Answer(error=("08006", message, None))
        return _read(result)

    def _connect(self):
        self.connection = pq.PGconn.connect(self.info.encode())
        if self.connection.status != pq.ConnStatus.OK:
            raise RuntimeError(f"{self.name}: {self.connection.get_error_message()}")
        self.connection.notice_handler = None
        for statement in (*self.settings, *self.session):
            self._must(statement)

    def _must(self, statement):
        result = self.connection.exec_(statement.encode())
        if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
            raise RuntimeError(f"{self.name} refuses {statement}: {result.get_error_message()}")


def _read(result):
    if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK, pq.ExecStatus.EMPTY_QUERY):
        field = pq.DiagnosticField
        parts = [result.error_field(part) for part in
                 (field.SQLSTATE, field.MESSAGE_PRIMARY, field.STATEMENT_POSITION)]
        return Answer(error=tuple(part and part.decode(errors="replace") for part in parts))
    columns = range(result.nfields)
    return Answer(
        tuple(result.fname(column).decode() for column in columns),
        tuple(result.ftype(column) for column in columns),
        tuple(result.fmod(column) for column in columns),
        tuple(tuple(result.get_value(row, column) for column in columns) for row in range(result.ntuples)))


class Verdict(NamedTuple):
    """The kinds of difference, hard ones first, and the answers that show them."""

    hard: tuple
    soft: tuple
    own: Answer
    theirs: Answer

    @property
    def equal(self):
        """Whether nothing but wording differs."""
        return not self.hard


def judge(own, theirs, sql, ordered=False, digits=False):
    """Asks both sides, `theirs` being the one that is right."""
    right = theirs.ask(sql)
    found = own.ask(sql)
    hard, soft = _compare(found, right, ordered, digits)
    if not hard and right.error is None:
        binary_right = theirs.ask(sql, binary=True)
        binary_found = own.ask(sql, binary=True)
        differing, _ = _compare(binary_found, binary_right, ordered, digits, binary=True)
        if differing:
            return Verdict(tuple(f"binary {kind}" for kind in differing), soft, binary_found, binary_right)
    return Verdict(hard, soft, found, right)


def _compare(found, right, ordered, digits, binary=False):
    if (found.error is None) != (right.error is None):
        return ("accepted",) if found.error is None else ("refused",), ()
    if right.error is not None:
        hard = ("sqlstate",) if found.error[0] != right.error[0] else ()
        soft = tuple(kind for kind, at in (("message", 1), ("position", 2)) if found.error[at] != right.error[at])
        return hard, soft
    hard = [kind for kind, one, other in (
        ("names", found.names, right.names), ("types", found.types, right.types), ("typmods", found.mods, right.mods),
    ) if one != other]
    if binary:
        found, right = (_with_one_nan(_without_flags(answer)) for answer in (found, right))
    rows = found.rows, right.rows
    if digits:
        rows = tuple(_rounded(answer, binary) for answer in (found, right))
    if rows[0] != rows[1]:
        if Counter(rows[0]) != Counter(rows[1]):
            hard.append("rows")
        elif ordered:
            hard.append("order")
    return tuple(hard), ()


def _without_flags(answer):
    """Arrays without the flag for NULLs, which PostgreSQL leaves set when the last NULL is gone."""
    arrays = [kind in ARRAYS for kind in answer.types]
    if not any(arrays):
        return answer
    return answer._replace(rows=tuple(
        tuple(value[:4] + value[8:] if value and is_array else value for value, is_array in zip(row, arrays))
        for row in answer.rows))


def _with_one_nan(answer):
    """NaN without its sign, which depends on the processor and on which of several NaNs max() took."""
    nan = struct.pack(">d", math.nan)
    floats = [kind == FLOAT8 for kind in answer.types]
    if not any(floats):
        return answer
    return answer._replace(rows=tuple(
        tuple(nan if value and is_float and math.isnan(struct.unpack(">d", value)[0]) else value
              for value, is_float in zip(row, floats))
        for row in answer.rows))


def _rounded(answer, binary):
    """The rows with float8 to some digits, since their sums depend on the rows' order."""
    floats = [kind == FLOAT8 for kind in answer.types]

    def cell(value, is_float):
        if value is None or not is_float:
            return value
        number = struct.unpack(">d", value)[0] if binary else float(value)
        return f"{number:.{DIGITS}g}".encode()

    return tuple(tuple(cell(value, is_float) for value, is_float in zip(row, floats)) for row in answer.rows)


def describe(verdict):
    """Both answers for the log: what differs only, and of the rows only the first few."""
    own, theirs = verdict.own, verdict.theirs
    lost = list((Counter(theirs.rows) - Counter(own.rows)).elements())[:SHOWN]
    extra = list((Counter(own.rows) - Counter(theirs.rows)).elements())[:SHOWN]
    if "order" in verdict.hard:
        at = next(n for n, pair in enumerate(zip(own.rows, theirs.rows)) if pair[0] != pair[1])
        lost, extra = theirs.rows[at:at + SHOWN], own.rows[at:at + SHOWN]
    return {"postgres": _shown(theirs, lost, own), "spanwire": _shown(own, extra, theirs)}


def _shown(answer, rows, other):
    if answer.error is not None:
        return dict(zip(("sqlstate", "message", "position"), answer.error))
    shown = {"count": len(answer.rows)}
    for name in ("names", "types", "mods"):
        if getattr(answer, name) != getattr(other, name) or other.error is not None:
            shown[name] = getattr(answer, name)
    shown["rows"] = [[None if value is None else value.decode(errors="backslashreplace") for value in row]
                     for row in rows]
    return shown
