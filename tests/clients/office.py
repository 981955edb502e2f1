"""LibreOffice as a client, by ODBC as Excel connects and by its own driver for PostgreSQL.

Each function `pair_…` starts LibreOffice without a window and with a profile of its own, and returns what office_uno.py found.
"""

import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path

from gateway import DATABASE, PASSWORD, USER
from samples import NARROW, ODBC_DRIVER, TYPES

SCRIPT = Path(__file__).parent / "office_uno.py"
# Debian's, because `uno` is a module of it.
PYTHON = "/usr/bin/python3"
SECONDS = 100


def pair_libreoffice_odbc(at):
    """psqlODBC with its defaults."""
    return _odbc(at)


def pair_libreoffice_odbc_by_cursors(at):
    """As docs/clients/excel.md advises."""
    return _odbc(at, UseDeclareFetch=1, Fetch=50, UpdatableCursors=0)


def pair_libreoffice_postgresql(at):
    """The driver sdbc:postgresql."""
    return _office(at, f"sdbc:postgresql:host={at.host} port={at.port} dbname={DATABASE}")


def _odbc(at, **options):
    # Base shows the tables of the current schema only.
    settings = {
        "Driver": ODBC_DRIVER, "Servername": at.host, "Port": at.port, "Database": DATABASE, "UserName": USER, "Password": PASSWORD,
        "ConnSettings": "SET search_path TO spanlens"}
    return _office(at, "sdbc:odbc:traces", {**settings, **options})


def _office(at, url, source=None):
    """Starts LibreOffice, lets the script drive it, and returns what that prints."""
    with tempfile.TemporaryDirectory(prefix="spanwire-office-") as name:
        home = Path(name)
        pipe = home.name.replace("_", "-")
        lines = [f"{key}={value}" for key, value in (source or {}).items()]
        (home / "odbc.ini").write_text("\n".join(["[traces]", *lines, ""]), encoding="utf-8")
        environment = os.environ | {
            "HOME": name, "ODBCINI": str(home / "odbc.ini"), "TZ": "UTC", "LC_ALL": "C.UTF-8", "SAL_USE_VCLPLUGIN": "svp"}
        task = {
            "pipe": pipe, "url": url, "user": USER, "password": PASSWORD, "directory": name, "narrow": NARROW, "types": TYPES}
        with (home / "office.log").open("wb") as log:
            office = subprocess.Popen(
                ["soffice", "--headless", "--norestore", "--nologo", "--nodefault", "--nofirststartwizard",
                 f"-env:UserInstallation={(home / 'profile').as_uri()}", f"--accept=pipe,name={pipe};urp;"],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        try:
            done = subprocess.run(
                [PYTHON, SCRIPT], input=json.dumps(task), env=environment, capture_output=True, text=True, timeout=SECONDS,
                check=False)
        finally:
            os.killpg(office.pid, signal.SIGKILL)  # soffice is a script; what it starts is of its group
            office.wait()
        if done.returncode != 0:
            raise AssertionError(f"{at.port}: office_uno.py ended with {done.returncode}:\n{done.stderr[-3000:]}")
        return json.loads(done.stdout)

