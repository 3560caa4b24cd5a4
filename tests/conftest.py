"""Hypothesis: no deadline, since a busy machine is no bug; few examples, so that it stays fast.

`HYPOTHESIS_PROFILE=thorough` looks harder. In CI the same examples are tried every time.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

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
