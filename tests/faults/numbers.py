"""The faults the system must survive, and how a test says which of them it injects."""

import re

FAULTS = range(1, 60)

_NAME = re.compile(r"test_((?:f[0-9]{2}_)+)")


def faults_of(test: str) -> set[int]:
    """The numbers in a test's name: 14 and 15 of `test_f14_f15_the_same_bytes_again`."""
    found = _NAME.search(test.rpartition("::")[2])
    return {int(part[1:]) for part in found[1].strip("_").split("_")} if found else set()
