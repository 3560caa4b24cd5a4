"""Each sample statement is read as its golden file says."""

import difflib
from pathlib import Path

import pytest

from recon.providers import identify
from tests.golden import (
    ROOT,
    SUFFIX,
    content_of,
    golden_of,
    other_samples,
    providers,
    rendered,
    samples,
)

EVERY = [*samples(), *other_samples()]


@pytest.mark.parametrize("sample", EVERY, ids=lambda path: path.name)
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
    assert golden == {golden_of(sample) for sample in EVERY}


def test_every_kind_of_statement_has_a_sample_and_nobody_else_claims_it() -> None:
    described = {(provider.slug, kind.name) for provider in providers().values()
                 for kind in provider.kinds}  # fmt: skip
    found = set()
    for sample in EVERY:
        provider, description = identify(content_of(sample.read_bytes()), providers())
        assert provider.slug == sample.parent.name
        found.add((provider.slug, description.kind))
    assert found == described
