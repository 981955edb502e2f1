"""What Grafana makes of a panel's statement before it sends it: variables by its front end, macros by its data source PostgreSQL.

After `pkg/tsdb/grafana-postgresql-datasource/macros.go`, `sqleng`'s Interpolate, and `SqlDatasource.ts`.
"""

import datetime
import re
from decimal import Decimal

# As the data source finds macros: the arguments end at the first closing parenthesis.
_MACRO = re.compile(r"\$([_a-zA-Z0-9]+)\(([^)]*)\)")
# The forms of a variable that these dashboards use.
_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")
_UNITS = {"ms": Decimal("0.001"), "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class Window:
    """A dashboard's time range and the interval that Grafana computed from it."""

    def __init__(self, end, length, interval):
        # A browser's times have milliseconds.
        end = end.astimezone(datetime.timezone.utc)
        self.end = end.replace(microsecond=end.microsecond // 1000 * 1000) + datetime.timedelta(milliseconds=1)
        self.start = self.end - length
        self.interval = interval


def expand(statement, window, variables):
    """The statement as it goes to the server. `variables` are those with several values and "All": a list for each."""
    text = _VARIABLE.sub(lambda match: _variable(match, window, variables), statement)
    text = text.replace("$__unixEpochFrom()", str(_epoch(window.start))).replace("$__unixEpochTo()", str(_epoch(window.end)))
    return _MACRO.sub(lambda match: _macro(match, text, window), text)


def _variable(match, window, variables):
    name = match.group(1) or match.group(2)
    if name == "__interval":
        return window.interval
    if name == "__interval_ms":
        return _number(_seconds(window.interval) * 1000)
    if name in variables:
        return ",".join("'" + value.replace("'", "''") + "'" for value in variables[name])
    return match.group(0)


def _macro(match, text, window):
    name, arguments = match.group(1), [part.strip(" ") for part in match.group(2).split(",")]
    # The old form, without alias: a comma after it makes it the one with alias.
    if name == "__timeGroup" and text[text.index(match.group(0)) + len(match.group(0)):][:1] == ",":
        name = "__timeGroupAlias"
    return _evaluate(name, arguments, window)


def _evaluate(name, arguments, window):
    column, start, end = arguments[0], window.start, window.end
    simple = {
        "__time": f'{column} AS "time"',
        "__timeEpoch": f'extract(epoch from {column}) as "time"',
        "__timeFilter": f"{column} BETWEEN '{_rfc3339(start)}' AND '{_rfc3339(end)}'",
        "__timeFrom": f"'{_rfc3339(start)}'",
        "__timeTo": f"'{_rfc3339(end)}'",
        "__unixEpochFilter": f"{column} >= {_epoch(start)} AND {column} <= {_epoch(end)}",
        "__unixEpochNanoFilter": f"{column} >= {_nanos(start)} AND {column} <= {_nanos(end)}",
        "__unixEpochNanoFrom": str(_nanos(start)),
        "__unixEpochNanoTo": str(_nanos(end)),
    }
    if name in simple:
        return simple[name]
    if name.endswith("Alias"):
        return _evaluate(name.removesuffix("Alias"), arguments, window) + ' AS "time"'
    if name not in ("__timeGroup", "__unixEpochGroup") or len(arguments) < 2:
        raise ValueError(f"Grafana knows no macro {name}({', '.join(arguments)})")
    # A third argument says how Grafana fills gaps; the statement is the same.
    if len(arguments) > 2 and arguments[2].lower() not in ("null", "previous"):
        float(arguments[2])
    seconds = _number(_seconds(arguments[1].strip("'")))
    inner = f"extract(epoch from {column})" if name == "__timeGroup" else f"({column})"
    return f"floor({inner}/{seconds})*{seconds}"


def _seconds(interval):
    number, unit = re.fullmatch(r"(\d+)(ms|[smhdw])", interval).groups()
    return int(number) * _UNITS[unit]


def _number(value):
    """As Go's %v writes a float of this size."""
    return str(int(value)) if value == int(value) else repr(float(value))


def _rfc3339(time):
    """Go's RFC3339Nano, which drops zeros at the end of the fraction."""
    fraction = f".{time.microsecond:06d}".rstrip("0").rstrip(".")
    return time.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def _nanos(time):
    return (time - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1) * 1000


def _epoch(time):
    return _nanos(time) // 1_000_000_000
