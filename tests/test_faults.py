"""Every fault the system must survive has a test that injects it and carries its number."""

import ast
from pathlib import Path

import pytest

from tests.faults.numbers import FAULTS, faults_of

TESTS = Path(__file__).parent


def _tried() -> set[int]:
    found: set[int] = set()
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                found |= faults_of(node.name)
    return found


def test_every_fault_has_its_test() -> None:
    tried = _tried()
    missing = set(FAULTS) - tried
    assert not missing, f"no test for F{', F'.join(f'{n:02}' for n in sorted(missing))}"
    assert tried <= set(FAULTS)


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("tests/faults/test_a.py::test_f14_f15_the_same_again[x-f99]", {14, 15}),
        ("tests/test_a.py::test_f01_growing", {1}),
        ("tests/test_a.py::test_a_file_f01", set()),
    ],
)
def test_a_name_says_which_faults_are_injected(name: str, numbers: set[int]) -> None:
    assert faults_of(name) == numbers
