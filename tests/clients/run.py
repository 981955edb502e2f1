"""The tests with real clients and a real PostgreSQL.

    python tests/clients/run.py PATH_OF_SPANWIRE [PART_OF_A_CHECK'S_NAME]

Starts `spanwire demo` itself. Everything used must be installed (tests/run does it); a client that is missing is a
failure. Prints a line for each check; ends with exit code 1 if one failed.
"""

import sys
from pathlib import Path

# Nothing is written into the checkout.
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import clients
import dashboards
import drivers
import jvm_and_node
import oracle
import pairs
import psql
import scripts
import sdk
import sync
import tls
from checks import Report
from gateway import Demo


def main():
    """Runs all parts."""
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    binary = str(Path(sys.argv[1]).resolve())
    report = Report(only=sys.argv[2] if len(sys.argv) == 3 else None)
    with Demo(binary) as demo:
        for module in (psql, drivers, jvm_and_node, tls):
            report.run_module(module, demo)
        report.guard("sdk: the vendors' clients as a whole", sdk.run, report, demo)
        report.guard("pairs: the comparison as a whole", pairs.run, report, demo)
        report.guard("scripts: the comparison as a whole", scripts.run, report, demo)
        report.guard("sync: the count as a whole", sync.run, report, demo)
        report.guard("dashboards: the comparison as a whole", dashboards.run, report, demo)
        report.guard("oracle: the comparison as a whole", oracle.run, report, demo)
    print(clients.table(report.results))
    print(f"{report.passed} passed, {report.failed} failed")
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
