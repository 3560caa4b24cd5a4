"""Hypothesis profiles, and what is told at the end: which faults were tried, what was not.

No deadline, since a busy machine is no bug; few examples, so that it stays fast.

`HYPOTHESIS_PROFILE=thorough` looks harder. In CI the same examples are tried every time.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.faults.numbers import faults_of
from tests.tools import ABSENT

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "quick", max_examples=10, deadline=None, suppress_health_check=_SLOW_IS_FINE
)
settings.register_profile("ci", settings.get_profile("quick"), derandomize=True)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=1_000)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "quick")
)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    untried = sum(ABSENT in reason for reason in reasons)
    if untried:
        title = f"{untried} tests were NOT TRIED, because something they need is not here"
        terminalreporter.write_sep("=", title, red=True)
    told = _faults_told(terminalreporter.stats)
    if told is not None:
        terminalreporter.write_sep("=", told, red="NOT" in told, green="NOT" not in told)


def _faults_told(stats: dict[str, list[pytest.TestReport]]) -> str | None:
    """Every test of a fault checks that nothing is lost, doubled or silent; so all must pass."""
    tried = {number for one in stats.get("passed", []) for number in faults_of(one.nodeid)}
    failed = {
        number
        for outcome in ("failed", "error")
        for one in stats.get(outcome, [])
        for number in faults_of(one.nodeid)
    }
    if failed:
        names = ", ".join(f"F{number:02}" for number in sorted(failed))
        return f"{len(tried | failed)} faults tried, NOT survived: {names}"
    return f"{len(tried)} faults tried, 0 lost, 0 doubled, 0 silent" if tried else None
