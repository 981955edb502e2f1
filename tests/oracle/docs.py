"""Writes docs/sql.md: what SQL the gateway carries out, what it refuses and what differs from PostgreSQL.

    python tests/oracle/docs.py [--check]

Made from the corpus, listed.tsv, and the tables of functions and bounds in src/, which are read as text. --check writes
nothing, and ends with 1 if docs/sql.md is not what would be written.
"""

import argparse
import re
import sys
from pathlib import Path

# Nothing is written into the checkout beside the page.
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import statements
from docs_text import CALLED, CONSTRUCTS, FAMILIES, INTERNAL, PAGE, REFUSED, TOPICS

ROOT = Path(__file__).parents[2]
PAGE_PATH = ROOT / "docs" / "sql.md"
UNSUPPORTED = "unsupported"
_TABLE = re.compile(r"const (FUNCTIONS|CAST_FUNCTIONS|OPERATORS|AGGREGATES|SETS): &\[\w+\] =\s*&\[(.*?)\n?\];", re.S)
# The first text of an entry: strict("abs", … function!("abs", … name: "abs", …
_NAME = re.compile(r'(?:\b\w+!?\(\s*|\bname: )"([^"]+)"')
_LINE = 120


def main():
    """Writes the page, or compares it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, end with 1 if the page is not up to date")
    options = parser.parse_args()
    page = _page()
    if not options.check:
        PAGE_PATH.write_text(page, encoding="utf-8")
    elif not PAGE_PATH.exists() or PAGE_PATH.read_text(encoding="utf-8") != page:
        sys.exit("docs/sql.md is not up to date: run tests/oracle/docs.py")


def _page():
    topics = [topic for topic in statements.topics() if topic != UNSUPPORTED]
    counts = {topic: sum(1 for _ in statements.read(topic)) for topic in topics}
    known = statements.listed()
    tables = _tables()
    parts = {
        "total": f"{sum(counts.values()):,}",
        "topics": "\n".join(f"| {TOPICS.get(topic) or _about(topic)} | {counts[topic]} |" for topic in topics),
        "families": "\n".join(_family(title, modules, tables) for title, modules in FAMILIES),
        "aggregates": _line("aggregates", {"count"} | _documented(tables["AGGREGATES", "aggregate"])),
        "windows": _line("window functions, and every aggregate but ordered-set ones with OVER", _window_functions()),
        "constructs": _line("constructs", CONSTRUCTS),
        "called": _line("session and row types", CALLED),
        "catalog": _line("catalogs, in statements that read no table of a source", _catalog_functions()),
        "listed": "\n".join(f"| {_cell(reason)} | `{_cell(_short(text))}` |" for text, reason in known.items()),
        "refused": "\n".join(f"| {what} | {code} | {instead} |" for what, code, instead in REFUSED),
        "series": f"{_number('src/function/series.rs', 'MAX_ROWS'):,}",
        "operators": f"{_number('src/sql/parse.rs', 'MAX_OPERATORS'):,}",
        "nesting": f"{_number('src/sql/parse.rs', 'MAX_NESTING') // 2}",
        "catalog_steps": f"{_number('src/catalog/context.rs', 'MOST_STEPS'):,}",
        "query_memory": _default("query_memory"),
        "total_memory": _default("total_memory"),
        "max_calls": _default("max_calls"),
        "statement_timeout": _default("statement_timeout"),
    }
    return PAGE.format(**parts)


def _tables():
    """Names of the functions' tables of src/function, by the table's kind and the module below it."""
    folder = ROOT / "src" / "function"
    found = {}
    for path in sorted(folder.rglob("*.rs")):
        module = path.relative_to(folder).parts[0].removesuffix(".rs")
        for kind, body in _TABLE.findall(path.read_text(encoding="utf-8")):
            found.setdefault((kind.removeprefix("CAST_"), module), set()).update(_NAME.findall(body))
    missing = {kind for kind in ("FUNCTIONS", "OPERATORS", "SETS") if not any(key[0] == kind for key in found)}
    if missing or ("AGGREGATES", "aggregate") not in found:
        raise ValueError(f"src/function: no table found of {', '.join(missing) or 'aggregates'}")
    named = {module for _, modules in FAMILIES for module in modules} | {"aggregate"}
    if unnamed := {module for _, module in found} - named:
        raise ValueError(f"docs_text.py: no family has the module {', '.join(sorted(unnamed))} of src/function")
    return found


def _family(title, modules, tables):
    def names(kind):
        return set().union(*(tables.get((kind, module), ()) for module in modules))

    lines = [_line(title, _documented(names("FUNCTIONS")))] if names("FUNCTIONS") else []
    if sets := _documented(names("SETS")):
        lines.append(_line(f"{title}, set-returning" if lines else title, sets))
    if operators := names("OPERATORS"):
        lines.append(f"- {title}, operators: " + " ".join(f"`{symbol}`" for symbol in sorted(operators)))
    return "\n".join(lines)


def _documented(names):
    """Without what only operators, casts and constructs are made of, and what PostgreSQL does not have."""
    return {name for name in names & _catalog_names() if name not in INTERNAL}


def _catalog_names():
    """`pg_proc.proname`, all of them."""
    lines = (ROOT / "src/catalog/data/pg_proc.tsv").read_text(encoding="utf-8").splitlines()
    return {line.split("\t", 2)[1] for line in lines[1:]}


def _window_functions():
    body = _within("src/sql/analyze/window.rs", r"fn is_window_function.*?\[&str; \d+\] = \[(.*?)\]")
    return set(re.findall(r'"(\w+)"', body))


def _catalog_functions():
    files = sorted((ROOT / "src/catalog/functions").glob("*.rs"))
    names = {name for path in files for name in _NAME.findall(path.read_text(encoding="utf-8"))}
    return {name for name in names & _catalog_names() if re.match("pg_|has_|col_|obj_|shobj_|to_reg|format_type", name)}


def _line(title, names):
    lines, line = [], f"- {title}:"
    for name in sorted(names):
        if len(line) + len(name) + 2 > _LINE:
            lines.append(line)
            line = " "
        line += f" {name},"
    return "\n".join([*lines, line.removesuffix(",")])


def _about(topic):
    """The first line of a topic's file."""
    first = (statements.CORPUS / f"{topic}.sql").read_text(encoding="utf-8").partition("\n")[0]
    return first.removeprefix("-- ").removesuffix(".")


def _number(path, name):
    return int(_within(path, rf"const {name}: usize = ([\d_]+);").replace("_", ""))


def _default(key):
    return _within("spanwire.example.toml", rf"^{key} = \"?(\w+)\"?")


def _within(path, pattern):
    found = re.search(pattern, (ROOT / path).read_text(encoding="utf-8"), re.M | re.S)
    if found is None:
        raise ValueError(f"{path}: nothing is like {pattern}")
    return found[1]


def _short(text):
    return text if len(text) <= 90 else text[:89] + "…"


def _cell(text):
    return text.replace("|", "\\|")


if __name__ == "__main__":
    main()
