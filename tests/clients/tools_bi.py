"""Apache Superset as a client: runs superset_client.py in Superset's own environment."""

import hashlib
import json
import os
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PROGRAM = HERE / "superset_client.py"
REQUIREMENTS = HERE / "requirements-superset.txt"
SECONDS = 110


def pair_superset(at):
    """What Superset shows of the database at this place."""
    return json.loads(_program("run", _metadata(), at.uri))


def _environment():
    """Where tests/run installs Superset."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "spanwire" / "superset-venv"


def _metadata():
    """Superset's metadata database as its migrations leave it: made once for these requirements, because that takes a while."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes() + PROGRAM.read_bytes()).hexdigest()[:16]
    made = _environment() / f"metadata-{digest}.db"
    if not made.exists():
        with tempfile.TemporaryDirectory(dir=_environment()) as place:
            unfinished = Path(place) / "metadata.db"
            _program("prepare", unfinished)
            for old in _environment().glob("metadata-*.db"):
                old.unlink()
            unfinished.rename(made)
    return made


def _program(*arguments):
    """What the program prints."""
    done = subprocess.run(
        [_environment() / "bin" / "python", "-B", PROGRAM, *arguments], capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode != 0:
        raise AssertionError(f"superset_client.py {arguments[0]} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return done.stdout
