"""Each sample statement is read as its golden file says."""

import difflib
from pathlib import Path

import pytest

from tests.golden import ROOT, SUFFIX, golden_of, rendered, samples


@pytest.mark.parametrize("sample", samples(), ids=lambda path: path.name)
def test_a_sample_is_read_as_its_golden_file_says(sample: Path) -> None:
    golden = golden_of(sample)
    assert golden.exists(), f"no {golden.name}; make it with: python -m tests.golden"
    expected, made = golden.read_text("utf-8"), rendered(sample)
    difference = difflib.unified_diff(
        expected.splitlines(), made.splitlines(), "golden", "now", lineterm=""
    )
    assert expected == made, "\n".join(difference)


def test_every_golden_file_has_its_sample() -> None:
    golden = set((ROOT / "sample_statements").rglob(f"*{SUFFIX}"))
    assert golden == {golden_of(sample) for sample in samples()}
