"""What makes an expression of each type: for a generator and a depth, the choices as functions."""

from tree import expr, items
from vocabulary import (
    FIELDS, LIKES, NUMBERS, NUMBER_FORMATS, PATHS, REGEXES, REPLACEMENTS, TIME_FORMATS, UNITS, ZONES, bounded, mixed,
    sure, tamed,
)


def _op(of, operator, left, right):
    return expr(of, "(", left, f" {operator} ", right, ")")


def _call(of, name, *arguments):
    return expr(of, f"{name}(", items(arguments, least=len(arguments)), ")")


def _int4(g, d):
    return [
        lambda: _op("int4", g.rng.choice("+-"), g.small("int4", d, 10007), g.small("int4", d, 10007)),
        lambda: _op("int4", "*", g.small("int4", d), g.small("int4", d)),
        lambda: _op(
            "int4", g.rng.choice("/%"), g.small("int4", d, 99991), expr("int4", "nullif(", g.x("int4", d), ", 0)")),
        lambda: _call("int4", g.rng.choice(("length", "char_length", "octet_length", "ascii")), g.x("text", d)),
        lambda: _call("int4", "strpos", g.x("text", d), g.leaf("text")),
        lambda: expr("int4", "position(", g.leaf("text"), " IN ", g.x("text", d), ")"),
        lambda: expr("int4", "extract(", g.rng.choice(FIELDS[:10]), " FROM ", g.tame("timestamptz", d), ")::int"),
        lambda: _call("int4", "cardinality", g.x(g.rng.choice(("text[]", "int4[]")), d)),
        lambda: expr("int4", "array_length(", g.x("text[]", d), ", 1)"),
        lambda: expr("int4", "(", g.small("int8", d, 100003), ")::int"),
        lambda: expr("int4", "(", g.x("bool", d), ")::int"),
        lambda: _op("int4", "-", tamed(g.x("date", d)), tamed(g.x("date", d))),
        lambda: expr("int4", "(", bounded(g.tame("float8", d)), ")::int4"),
        lambda: expr("int4", "cast(", bounded(g.tame("numeric", d)), " AS integer)"),
        lambda: _op("int4", g.rng.choice("&|#"), g.x("int4", d), g.x("int4", d)),
        lambda: expr("int4", "(", g.x("int4[]", d), f")[{g.rng.randint(0, 3)}]"),
        lambda: expr("int4", "width_bucket(", bounded(g.tame("float8", d)), ", 0, 100, 7)"),
        lambda: expr("int4", "abs(", g.small("int4", d), ")"),
        lambda: expr("int4", "CASE WHEN ", (c := g.column("text")), " ~ '^[0-9]{1,6}$' THEN (", c, " || '')::int END"),
        lambda: expr("int4", "num_nulls(", g.x("text", d), ", ", g.x("int8", d), ")"),
    ]


def _int8(g, d):
    return [
        lambda: _op(
            "int8", g.rng.choice("+-"), g.small("int8", d, 1000003),
            g.small(g.rng.choice(("int4", "int8")), d, 1000003)),
        lambda: _op("int8", "*", g.small("int8", d, 10007), g.small("int8", d, 10007)),
        lambda: _op(
            "int8", g.rng.choice("/%"), g.x("int8", d), expr("int8", "nullif(abs(", g.small("int8", d), "), 0)")),
        lambda: expr("int8", "(", g.x("int4", d), ")::bigint"),
        lambda: expr("int8", "(", bounded(g.tame("float8", d)), ")::int8"),
        lambda: expr("int8", "round(", bounded(g.tame("numeric", d)), ")::bigint"),
        lambda: expr("int8", "floor(", bounded(g.tame("float8", d)), ")::bigint"),
        lambda: _call("int8", "abs", g.small("int8", d, 1000003)),
        lambda: expr("int8", "(-", g.small("int8", d, 1000003), ")"),
        lambda: _call(
            "int8", g.rng.choice(("gcd", "mod")), g.small("int8", d, 10007),
            expr("int8", "nullif(", g.small("int8", d), ", 0)")),
        lambda: mixed("int8", "(", g.x("int8", d), f" {g.rng.choice('&|#')} ", g.x("int8", d), ")"),
        lambda: expr("int8", "(", g.x("int8", d), f" {g.rng.choice(('<<', '>>'))} {g.rng.randint(0, 5)})", wild=True),
    ]


def _float8(g, d):
    return [
        lambda: _op("float8", g.rng.choice("+-*"), g.tame("float8", d), g.tame("float8", d)),
        lambda: _op(
            "float8", g.rng.choice("+-*"), g.tame("float8", d), g.tame(g.rng.choice(("int4", "int8", "numeric")), d)),
        lambda: _op("float8", "/", g.tame("float8", d), expr("float8", "nullif(", g.tame("float8", d), ", 0)")),
        lambda: mixed(
            "float8", g.rng.choice(("floor(", "ceil(", "round(", "trunc(", "abs(", "-(")), g.x("float8", d), ")"),
        lambda: expr("float8", "sqrt(abs(", g.x("float8", d), "))"),
        lambda: expr("float8", "ln(abs(", g.tame("float8", d), ") + 1)"),
        lambda: expr("float8", "exp(least(greatest(", g.x("float8", d), ", -20), 20))"),
        lambda: expr("float8", "(", g.tame(g.rng.choice(("int4", "int8", "numeric")), d), ")::float8"),
        lambda: expr("float8", f"date_part('{g.rng.choice(FIELDS)}', ", g.tame("timestamptz", d), ")"),
        lambda: expr("float8", "sign(", g.x("float8", d), ")"),
    ]


def _numeric(g, d):
    return [
        lambda: _op("numeric", g.rng.choice("+-*"), g.tame("numeric", d), g.tame("numeric", d)),
        lambda: _op("numeric", g.rng.choice("+-*"), g.tame("numeric", d), g.tame(g.rng.choice(("int4", "int8")), d)),
        lambda: _op(
            "numeric", g.rng.choice("/%"), g.tame("numeric", d),
            expr("numeric", "nullif(", g.tame("numeric", d), ", 0)")),
        lambda: expr(
            "numeric", f"{g.rng.choice(('round', 'trunc'))}(", g.tame("float8", d),
            f"::numeric, {g.rng.randint(0, 6)})"),
        lambda: expr("numeric", "(", g.x(g.rng.choice(("int4", "int8")), d), ")::numeric"),
        lambda: expr("numeric", "(", bounded(g.tame("numeric", d)), ")::numeric(18,4)"),
        lambda: expr(
            "numeric", f"extract({g.rng.choice(FIELDS)} FROM ", g.tame(g.rng.choice(("timestamptz", "timestamp")), d),
            ")"),
        lambda: expr("numeric", "extract(epoch FROM ", g.x("interval", d), ")"),
        lambda: mixed("numeric", g.rng.choice(("floor(", "ceiling(", "abs(", "-(", "sign(")), g.x("numeric", d), ")"),
        lambda: expr("numeric", "round(", g.tame("numeric", d), f", {g.rng.randint(-2, 5)})"),
        lambda: expr("numeric", "div(", g.tame("numeric", d), ", nullif(", g.tame("numeric", d), ", 0))"),
        lambda: expr("numeric", "sqrt(abs(", g.tame("numeric", d), "))"),
    ]


def _text(g, d):
    r = g.rng
    any_type = ("int4", "int8", "numeric", "float8", "bool", "date", "timestamp", "timestamptz", "interval", "jsonb",
                "text[]", "int4[]")
    return [
        lambda: _call(
            "text", r.choice(("upper", "lower", "initcap", "reverse", "md5", "btrim", "quote_literal", "quote_ident")),
            g.x("text", d)),
        lambda: _op("text", "||", g.x("text", d), g.x("text", d)),
        lambda: _op("text", "||", g.x("text", d), g.x(r.choice(("int4", "int8", "numeric", "bool", "date")), d)),
        lambda: expr("text", f"{r.choice(('left', 'right'))}(", g.x("text", d), f", {r.randint(-3, 6)})"),
        lambda: expr("text", "substr(", g.x("text", d), f", {r.randint(-1, 5)}, {r.randint(0, 6)})"),
        lambda: expr("text", "substring(", g.x("text", d), f" FROM {r.randint(1, 4)})"),
        lambda: expr("text", "substring(", g.x("text", d), " FROM '[a-z]+')"),
        lambda: expr("text", "replace(", g.x("text", d), ", 'o', ", g.leaf("text"), ")"),
        lambda: expr("text", "split_part(", g.x("text", d), f", '-', {r.choice((1, 2, 3, -1))})"),
        lambda: expr("text", f"{r.choice(('lpad', 'rpad'))}(", g.x("text", d), f", {r.randint(0, 12)}, 'xy')"),
        lambda: expr("text", f"trim({r.choice(('leading', 'trailing', 'both'))} 'ag' FROM ", g.x("text", d), ")"),
        lambda: expr("text", "repeat(left(", g.x("text", d), ", 9), ", g.small("int4", d, 4), ")"),
        lambda: expr(
            "text", "concat(", items([g.x(r.choice(("text", "int4", "bool", "numeric")), d) for _ in range(3)]), ")"),
        lambda: expr("text", "concat_ws('/', ", items([g.x("text", d) for _ in range(2)]), ")"),
        lambda: expr("text", "(", g.x(r.choice(any_type), d), ")::text"),
        lambda: expr("text", "cast(", g.x(r.choice(any_type), d), " AS varchar)::text"),
        lambda: expr(
            "text", "to_char(", g.tame(r.choice(("timestamptz", "timestamp")), d), f", {r.choice(TIME_FORMATS)})"),
        lambda: expr(
            "text", "to_char(", g.tame(r.choice(("int4", "int8", "numeric")), d), f", {r.choice(NUMBER_FORMATS)})"),
        lambda: expr("text", "(", g.x("jsonb", d), f" ->> '{r.choice(PATHS)}')"),
        lambda: expr("text", "(", g.x("jsonb", d), f" #>> '{{{r.choice(PATHS)},{r.choice(('0', 'c', 'role'))}}}')"),
        lambda: expr("text", "jsonb_typeof(", g.x("jsonb", d), ")"),
        lambda: expr("text", "translate(", g.x("text", d), ", 'aeo-', 'AE')"),
        lambda: expr("text", "regexp_replace(", g.x("text", d), f", {r.choice(REPLACEMENTS)})"),
        lambda: expr("text", "array_to_string(", g.x(r.choice(("text[]", "int4[]")), d), ", ',', '~')"),
        lambda: expr("text", "(", g.x("text[]", d), f")[{r.randint(1, 2)}]"),
        lambda: expr("text", "format('%s-%I', ", g.x("int4", d), ", ", "coalesce(", g.x("text", d), ", 'n'))"),
        lambda: expr("text", "chr(65 + abs(", g.small("int4", d, 26), "))"),
        lambda: expr("text", "overlay(", g.x("text", d), f" PLACING '##' FROM {r.randint(1, 4)})"),
    ]


def _bool(g, d):
    r = g.rng
    comparison = ("=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM", "!=")
    scalars = (
        "int4", "int8", "float8", "numeric", "text", "date", "timestamp", "timestamptz", "interval", "bool", "jsonb")

    def compare():
        of = r.choice((*scalars, "text", "int8", "timestamptz"))
        return _op("bool", r.choice(comparison), g.x(of, d), g.x(of, d))

    def in_list():
        of = r.choice(("text", "int8", "int4", "numeric", "date"))
        return expr("bool", "(", g.x(of, d), r.choice((" IN (", " NOT IN (")),
                    items([g.leaf(of) for _ in range(r.randint(1, 4))]), "))")

    def between():
        of = r.choice(("text", "int8", "int4", "numeric", "float8", "date", "timestamptz"))
        return expr("bool", "(", g.x(of, d), r.choice((" BETWEEN ", " NOT BETWEEN ", " BETWEEN SYMMETRIC ")),
                    g.leaf(of), " AND ", g.leaf(of), ")")

    def subquery():
        if g.nested >= 2:
            return compare()
        of = r.choice(("text", "int8", "int4", "date"))
        how = r.choice(("IN (", "NOT IN (", "= ANY (", ">= ALL (", "<> ALL (", "< ANY (", "= SOME ("))
        return expr("bool", "(", g.x(of, d), f" {how}", g.column_of(of, d), "))")

    def exists():
        if g.nested >= 2:
            return compare()
        return expr("bool", r.choice(("EXISTS (", "NOT EXISTS (")), g.column_of(r.choice(("text", "int8")), d), ")")

    def truth_test():
        inner = g.x("bool", d)
        how = r.choice((" IS TRUE", " IS NOT TRUE", " IS FALSE", " IS UNKNOWN", " IS NOT NULL"))
        return expr("bool", "(", inner, how, ")")

    def any_or_all(of, operators, more):
        # PostgreSQL 15 takes ANY and ALL for strict, and so an outer join below for an inner one, or the rows that it
        # fills for rows of the table; but NULL = ANY ('{}') is false. Of an array that is never empty they are strict.
        array = expr(f"{of}[]", "(", g.x(f"{of}[]", d), f" || ARRAY[{more}])")
        return expr("bool", "(", g.x(of, d), r.choice(operators), r.choice(("ANY (", "ALL (")), array, "))")

    return [
        compare, compare, compare, in_list, between, subquery, exists,
        lambda: _op("bool", r.choice(comparison[:6]), g.x(r.choice(NUMBERS), d), g.x(r.choice(NUMBERS), d)),
        lambda: expr(
            "bool", "(", items([g.x("bool", d) for _ in range(r.randint(2, 3))], r.choice((" AND ", " OR "))), ")"),
        lambda: expr("bool", "(", items([g.x("bool", d) for _ in range(2)], r.choice((" AND ", " OR "))), ")"),
        lambda: expr("bool", "(NOT ", g.x("bool", d), ")"),
        truth_test,
        lambda: expr(
            "bool", "(", g.x(r.choice(scalars), d), r.choice((" IS NULL", " IS NOT NULL", " ISNULL", " NOTNULL")), ")"),
        lambda: expr(
            "bool", "(", g.x("text", d), r.choice((" LIKE ", " NOT LIKE ", " ILIKE ", " NOT ILIKE ", " ~~ ")),
            r.choice(LIKES), ")"),
        lambda: expr("bool", "(", g.x("text", d), r.choice((" ~ ", " ~* ", " !~ ", " !~* ")), r.choice(REGEXES), ")"),
        lambda: any_or_all("text", (" = ", " <> "), "'groq'"),
        lambda: any_or_all("int4", (" = ", " < ", " >= "), "7"),
        lambda: expr(
            "bool", "(", g.x("text", d),
            r.choice(
                (" SIMILAR TO '%(a|o)%')", " LIKE ANY (ARRAY['g%', '%o']))", " NOT LIKE ALL (ARRAY['%a%', '%e']))"))),
        lambda: expr("bool", "starts_with(", g.x("text", d), ", ", g.leaf("text"), ")"),
        lambda: expr(
            "bool", "(", g.x("jsonb", d),
            r.choice((" @> '{\"a\": 1}')", " ? 'model')", " ?| ARRAY['a', 'env'])", " <@ '{\"a\": 1, \"b\": 2}')"))),
        lambda: _op("bool", r.choice(("&&", "@>", "<@")), g.x("text[]", d), g.x("text[]", d)),
        lambda: expr(
            "bool", "((", g.x("int8", d), ", ", g.x("text", d),
            f") {r.choice(('=', '<', '>=', '<>', 'IS DISTINCT FROM'))} (", g.leaf("int8"), ", ", g.leaf("text"), "))"),
        lambda: expr("bool", "isfinite(", g.x(r.choice(("date", "timestamp", "timestamptz")), d), ")"),
        lambda: expr(
            "bool", "((", g.tame("timestamptz", d), ", ", g.leaf("interval"), ") OVERLAPS (", g.tame("timestamptz", d),
            ", ", g.leaf("interval"), "))"),
        lambda: expr("bool", "(", g.x("timestamptz", d), f" {r.choice(comparison[:6])} '2026-11-10T00:00:00Z')"),
        lambda: expr("bool", "(", g.small("int4", d, 5), ")::bool"),
    ]


def _timestamptz(g, d):
    r = g.rng
    return [
        lambda: mixed("timestamptz", f"date_trunc('{r.choice(UNITS)}', ", g.x("timestamptz", d), ")"),
        lambda: mixed(
            "timestamptz", f"date_trunc('{r.choice(UNITS[2:])}', ", g.x("timestamptz", d), f", '{r.choice(ZONES)}')"),
        lambda: mixed("timestamptz", "(", g.x("timestamptz", d), f" {r.choice('+-')} ", g.x("interval", d), ")"),
        lambda: expr("timestamptz", "(", g.x("timestamp", d), f" AT TIME ZONE '{r.choice(ZONES)}')", wild=True),
        lambda: expr("timestamptz", "(", g.x(r.choice(("timestamp", "date")), d), ")::timestamptz", wild=True),
        lambda: expr("timestamptz", "to_timestamp(", bounded(g.tame("float8", d)), ")"),
        lambda: mixed(
            "timestamptz", "date_bin('15 minutes', ", g.x("timestamptz", d), ", timestamptz '2026-01-01 00:05Z')"),
    ]


def _timestamp(g, d):
    r = g.rng
    return [
        lambda: expr("timestamp", "(", g.x("timestamptz", d), f" AT TIME ZONE '{r.choice(ZONES)}')", wild=True),
        lambda: expr("timestamp", "(", g.x(r.choice(("timestamptz", "date")), d), ")::timestamp", wild=True),
        lambda: expr("timestamp", "(", g.x("date", d), f" {r.choice('+-')} ", g.x("interval", d), ")", wild=True),
        lambda: mixed("timestamp", f"date_trunc('{r.choice(UNITS)}', ", g.x("timestamp", d), ")"),
        lambda: mixed("timestamp", "(", g.x("timestamp", d), f" {r.choice('+-')} ", g.x("interval", d), ")"),
        lambda: expr("timestamp", "cast(", g.x("timestamp", d), f" AS timestamp({r.randint(0, 3)}))", wild=True),
    ]


def _date(g, d):
    return [
        lambda: expr("date", "(", g.x(g.rng.choice(("timestamptz", "timestamp")), d), ")::date", wild=True),
        lambda: mixed("date", "(", g.x("date", d), f" {g.rng.choice('+-')} ", g.small("int4", d), ")"),
        lambda: expr("date", f"date_trunc('{g.rng.choice(UNITS[3:])}', ", g.x("timestamptz", d), ")::date", wild=True),
        lambda: expr("date", "make_date(2020, 1 + abs(", g.small("int4", d, 12), "), 28)"),
    ]


def _interval(g, d):
    r = g.rng
    return [
        lambda: _op("interval", "-", g.tame("timestamptz", d), g.tame("timestamptz", d)),
        lambda: _op("interval", "-", g.tame("timestamp", d), g.tame("timestamp", d)),
        lambda: expr("interval", "age(", g.tame("timestamptz", d), ", ", g.tame("timestamptz", d), ")"),
        lambda: _op("interval", r.choice("+-"), g.leaf("interval"), g.x("interval", d)),
        lambda: _op("interval", "*", g.literal("interval"), g.small("int4", d, 50)),
        lambda: _op("interval", "/", g.literal("interval"), expr("int4", "nullif(", g.small("int4", d, 50), ", 0)")),
        lambda: expr("interval", "make_interval(days => ", g.small("int4", d), ", hours => ", g.small("int4", d), ")"),
        lambda: expr("interval", f"justify_{r.choice(('days', 'hours', 'interval'))}(", g.x("interval", d), ")"),
        lambda: expr("interval", "(", g.small("int4", d), " || ' minutes')::interval"),
        lambda: expr(
            "interval", f"date_trunc('{r.choice(UNITS[:7])}', ".replace("week", "day"), g.x("interval", d), ")"),
    ]


def _jsonb(g, d):
    r = g.rng
    any_type = ("int4", "int8", "numeric", "text", "bool", "date", "jsonb", "text[]")
    return [
        lambda: expr("jsonb", "(", g.x("jsonb", d), f" -> '{r.choice(PATHS)}')"),
        lambda: expr("jsonb", "(", g.x("jsonb", d), f" -> {r.randint(-1, 1)})"),
        lambda: expr("jsonb", "(", g.x("jsonb", d), f" #> ARRAY['{r.choice(PATHS)}', '{r.choice(PATHS)}'])"),
        lambda: expr("jsonb", "to_jsonb(", sure(g.x(r.choice(any_type), d)), ")"),
        lambda: expr(
            "jsonb", f"jsonb_build_object('{r.choice(PATHS)}', ", g.x(r.choice(any_type), d), ", 'z', ",
            g.x(r.choice(any_type), d), ")"),
        lambda: expr("jsonb", "jsonb_build_array(", items([g.x(r.choice(any_type), d) for _ in range(2)]), ")"),
        lambda: _op("jsonb", "||", g.x("jsonb", d), g.x("jsonb", d)),
        lambda: _call("jsonb", "jsonb_strip_nulls", g.x("jsonb", d)),
        lambda: expr(
            "jsonb", "CASE jsonb_typeof(", (j := g.x("jsonb", d)), ") WHEN 'object' THEN ", j,
            f" - '{r.choice(PATHS)}' END"),
    ]


def _int4s(g, d):
    return [
        lambda: expr("int4[]", "ARRAY[", items([g.x("int4", d) for _ in range(g.rng.randint(1, 3))]), "]"),
        lambda: _op("int4[]", "||", g.x("int4[]", d), g.x("int4[]", d)),
        lambda: _call("int4[]", g.rng.choice(("array_append", "array_remove")), g.x("int4[]", d), g.x("int4", d)),
        lambda: expr("int4[]", "(", g.x("int4[]", d), f")[{g.rng.randint(1, 2)}:{g.rng.randint(1, 3)}]"),
    ]


def _texts(g, d):
    return [
        lambda: expr("text[]", "ARRAY[", items([g.x("text", d) for _ in range(g.rng.randint(1, 3))]), "]"),
        lambda: expr(
            "text[]", "string_to_array(", g.x("text", d), ", ", g.rng.choice(("'-'", "'o'", "' '", "''")), ")"),
        lambda: expr("text[]", "regexp_split_to_array(", g.x("text", d), ", '[-_ ]')"),
        lambda: _op("text[]", "||", g.x("text[]", d), g.x("text[]", d)),
        lambda: _call("text[]", g.rng.choice(("array_append", "array_remove")), g.x("text[]", d), g.x("text", d)),
        lambda: expr("text[]", "array_prepend(", g.x("text", d), ", ", g.x("text[]", d), ")"),
        lambda: expr("text[]", "array_replace(", g.x("text[]", d), ", 'a', ", g.leaf("text"), ")"),
    ]


MAKERS = {
    "int4": _int4, "int8": _int8, "float8": _float8, "numeric": _numeric, "text": _text, "bool": _bool,
    "timestamptz": _timestamptz, "timestamp": _timestamp, "date": _date, "interval": _interval, "jsonb": _jsonb,
    "int4[]": _int4s, "text[]": _texts,
}
