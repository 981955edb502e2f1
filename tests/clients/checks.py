"""Runs checks one after the other, prints a line for each, counts what failed."""

import signal
import time
import traceback
from pathlib import Path

# No check may hang the suite; the longest starts Superset twice.
CHECK_SECONDS = 240


class Report:
    """The outcome so far."""

    def __init__(self, only=None):
        self.passed = 0
        self.failed = 0
        self.only = only
        self.results = []

    def run(self, name, check, *arguments):
        """Runs one check; a failure is printed and the next check goes on."""
        if self.only and self.only not in name:
            return
        signal.signal(signal.SIGALRM, _too_long)
        signal.alarm(CHECK_SECONDS)
        try:
            remark = check(*arguments)
        except Exception as error:  # pylint: disable=broad-except  # whatever a driver raises is a failure
            self.failed += 1
            self.results.append((name, False))
            print(f"FAILED  {name}\n{_describe(error)}", flush=True)
        else:
            self.passed += 1
            self.results.append((name, True))
            print(f"ok      {name}" + (f" ({remark})" if remark else ""), flush=True)
        finally:
            signal.alarm(0)

    def guard(self, name, part, *arguments):
        """Runs what reports checks of its own; only a failure of the whole counts."""
        try:
            part(*arguments)
        except Exception as error:  # pylint: disable=broad-except
            self.failed += 1
            print(f"FAILED  {name}\n{_describe(error)}", flush=True)

    def run_module(self, module, *arguments):
        """Runs every function check_… of a module, in the order of the source."""
        label = module.__name__
        for name, check in list(vars(module).items()):
            if name.startswith("check_") and callable(check):
                self.run(f"{label}: {name.removeprefix('check_').replace('_', ' ')}", check, *arguments)


def equal(actual, expected, what="value"):
    """Fails unless both are equal, and shows both."""
    if actual != expected:
        if isinstance(actual, list) and isinstance(expected, list) and len(actual) == len(expected) > 5:
            at = next(n for n, pair in enumerate(zip(actual, expected)) if pair[0] != pair[1])
            equal(actual[at], expected[at], f"{what}, item {at}")
        raise AssertionError(f"{what}:\n  expected {_short(expected)}\n  got      {_short(actual)}")


def contains(text, part):
    """Fails unless the text holds the part, and shows the text."""
    if part not in text:
        raise AssertionError(f"expected to find {part!r} in\n{text}")


def raises(kind, action, *arguments):
    """Returns the exception of this kind that the action raises; fails if it raises none."""
    try:
        result = action(*arguments)
    except kind as error:
        return error
    raise AssertionError(f"expected an error, got {_short(result)}")


def wait_until(condition, what, seconds=30):
    """Returns the first true value of the condition; fails when the deadline passes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise TimeoutError(f"{what}: not within {seconds} s")


def _too_long(_signal, _frame):
    raise TimeoutError(f"the check took longer than {CHECK_SECONDS} s")


def _describe(error):
    """The message, and the line of these tests that it came from."""
    here = Path(__file__).parent
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent == here]
    frames = [frame for frame in frames if Path(frame.filename) != Path(__file__)]
    place = f"at {Path(frames[-1].filename).name}:{frames[-1].lineno}: {frames[-1].line}\n" if frames else ""
    text = f"{place}{type(error).__name__}: {error}".rstrip()
    return "\n".join("        " + line for line in text.splitlines())


def _short(value):
    text = repr(value)
    return text if len(text) < 1500 else f"{text[:1500]}…"
