"""Reads the corpus: topic files of statements, each with how its answers are compared.

A statement ends where a line ends in `;`. A line of its own says how the statements after it are compared:

    -- order           the rows in their order: ORDER BY is total
    -- bag             the rows in any order
    -- error           PostgreSQL refuses it
    -- digits          after order or bag: float8 with 12 digits, as sums depend on the rows' order
    -- session: SET …  a setting for the statements after it, more than one adding up; `-- session:` ends all

Other comments are left out. @early@, @middle@, @late@ stand for times within the rows of spanlens.requests, @day@ for a
date, @id@ and @trace@ for a request that belongs to a trace.
"""

import re
from pathlib import Path
from typing import NamedTuple

CORPUS = Path(__file__).with_name("corpus")
LISTED = Path(__file__).with_name("listed.tsv")
_MODE = re.compile(r"-- (order|bag|error)( digits)?")
_MARK = re.compile(r"@(early|middle|late|day|id|trace)@")


class Statement(NamedTuple):
    """A statement as the file has it, without its end."""

    topic: str
    line: int
    text: str
    mode: str
    digits: bool
    session: tuple

    def sql(self, marks):
        """The statement with this run's times and keys."""
        return _MARK.sub(lambda match: marks[match[1]], self.text)


def topics():
    """The names of all topic files."""
    return sorted(path.stem for path in CORPUS.glob("*.sql"))


def read(topic):
    """The statements of a topic."""
    mode, digits, session, begun, text = None, False, (), 0, ""
    for number, line in enumerate((CORPUS / f"{topic}.sql").read_text(encoding="utf-8").splitlines(), 1):
        if not text and (match := _MODE.fullmatch(line)):
            mode, digits = match[1], match[2] is not None
        elif not text and line.startswith("-- session:"):
            setting = line.removeprefix("-- session:").strip()
            session = (*session, setting) if setting else ()
        elif not text and (not line.strip() or line.startswith("-- ")):
            continue
        else:
            begun = begun if text else number
            text = f"{text}\n{line}" if text else line
            if text.endswith(";"):
                if mode is None:
                    raise ValueError(f"{topic}.sql:{number}: no -- order, -- bag or -- error before it")
                yield Statement(topic, begun, text[:-1].rstrip(), mode, digits, session)
                text = ""
    if text:
        raise ValueError(f"{topic}.sql:{begun}: the last statement has no end")


def listed():
    """The statements that are known to differ, with the reason."""
    if not LISTED.exists():
        return {}
    lines = [line for line in LISTED.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split("\t", 1) for line in lines)
