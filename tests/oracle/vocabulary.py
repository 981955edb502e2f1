"""The words of random statements: literals, zones, patterns; and the wrappers that keep an expression from failing."""

from tree import Node, expr

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
UNITS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade")
FIELDS = ("year", "month", "day", "hour", "minute", "dow", "isodow", "doy", "week", "quarter", "isoyear", "epoch",
          "second", "milliseconds", "century")
LITERALS = {
    "int4": ("0", "1", "2", "3", "7", "10", "42", "200", "-1", "-5", "100", "999"),
    "int8": ("0::bigint", "5::bigint", "3000000000", "-4000000000", "1000::bigint", "'17'::bigint", "bigint '-8'"),
    "float8": ("0::float8", "1.5::float8", "'2.25'::float8", "-0.5::float8", "1e3::float8", "0.001::float8",
               "float8 '12.125'"),
    "numeric": ("0.0", "1.5", "-2.50", "0.001", "100.00", "3.14159", "12345678901234567890.5", "7::numeric",
                "1::numeric(10,2)"),
    "text": ("''", "'a'", "'openai'", "'Größe'", "'gpt-4o'", "'x y'", "'🧵 %_'", "'ABC'::text", "'12'", "E'a\\tb\\\\'",
             "'it''s'"),
    "bool": ("true", "false", "true", "false", "NULL::boolean"),
    "date": ("date '2026-02-28'", "'2024-02-29'::date", "date '1999-12-31'", "date '2026-11-15'"),
    "timestamp": ("timestamp '2026-03-29 02:30:00'", "'2024-02-29 23:59:59.999999'::timestamp",
                  "timestamp '1969-07-20 20:17:40'"),
    "timestamptz": ("timestamptz '2026-10-25 01:30:00+00'", "'2026-11-15 12:00:00+02'::timestamptz",
                    "timestamptz '2000-01-01 00:00:00.5Z'"),
    "interval": ("interval '1 day'", "interval '36 hours'", "'1 mon'::interval", "interval '-90 minutes'",
                 "interval '1 year 2 mons 3 days 04:05:06.789'", "interval '0'", "interval '7' day"),
    "jsonb": ("'{}'::jsonb", "'[1, 2.50, null]'::jsonb", "'{\"a\": 1, \"b\": {\"c\": [true, \"x\"]}}'::jsonb",
              "jsonb '\"text\"'", "jsonb 'null'", "'12'::jsonb"),
    "int4[]": ("ARRAY[1, 2, 3]", "'{3,NULL,1}'::int[]", "'{}'::int4[]", "ARRAY[7]"),
    "text[]": ("ARRAY['a', 'b']", "'{x,NULL,\"y z\"}'::text[]", "ARRAY['openai', 'groq', NULL]", "'{}'::text[]"),
}
NUMBERS = ("int4", "int8", "float8", "numeric")
# Equal values of these look alike, so that any of them may stand for the group.
PLAIN = ("int4", "int8", "text", "bool", "date", "timestamp", "timestamptz", "int4[]", "text[]")
LIKES = ("'%a%'", "'g%'", "'%_o'", "'%\\%%'", "''", "'%'", "'o_en%'", "'%4o%'", "'%ö%'", "'req\\_%'", "'%E%'")
REGEXES = ("'^g'", "'[aeiou]{2}'", "'o$'", "'\\d+'", "'(a|e).*[0-9]'", "'^[^-]+-'", "'\\mgpt'", "'ö|ß'", "'^$'")
NUMBER_FORMATS = ("'FM999990.00'", "'999,999'", "'00000'", "'S999'", "'9.99EEEE'", "'FM9,999.9MI'")
TIME_FORMATS = ("'YYYY-MM-DD HH24:MI:SS'", "'Dy, DD Mon YYYY'", "'IYYY-\"W\"IW'", "'FMMonth FMDD, YY'", "'HH12:MI AM'",
                "'J Q DDD'", "'YYYY-MM-DD\"T\"HH24:MI:SS.US'")
REPLACEMENTS = ("'[aeiou]', '<\\&>', 'g'", "'([a-z])([0-9])', '\\2\\1'", "'-.*$', ''", "'O', '0', 'gi'")
PATHS = ("a", "b", "model", "env", "plan", "type", "region", "top_p", "usage", "content")


def quoted(text):
    """A literal of the text."""
    return "'" + text.replace("'", "''") + "'"


def mixed(of, *parts, wild=False):
    """An expression that is wild if an operand of its type is."""
    return expr(of, *parts, wild=wild or any(
        node.wild for part in parts if isinstance(part, Node)
        for node in ([part] if part.kind == "expr" else part.nodes()) if node.of == of))


def tamed(node):
    """The expression without the values that arithmetic fails on."""
    if not node.wild:
        return node
    if node.of in ("int4", "int8"):
        return expr(node.of, "(", node, " % 1000003)")
    if node.of == "float8":
        return expr(node.of, "CASE WHEN abs(", node, ") BETWEEN 1e-9 AND 1e9 THEN ", node, " END")
    if node.of == "numeric":
        return expr(node.of, "CASE WHEN abs(", node, ") < 1e9 THEN ", node, " END")
    if node.of in ("date", "timestamp", "timestamptz"):
        return expr(node.of, "CASE WHEN isfinite(", node, ") THEN ", node, " END")
    return node


def sure(node):
    """The expression with its type said, where a literal alone would have none."""
    return expr("text", "(", node, ")::text") if node.of == "text" else node


def bounded(node):
    """A number that fits an int4, or NULL."""
    return expr(node.of, "CASE WHEN abs(", node, ") < 1e9 THEN ", node, " END")
