"""The files of the parsing bench are statements, so that the bench measures what it says."""

from pathlib import Path

import polars as pl
import pytest

from recon.providers import identify
from recon.providers.contract import ReadContext
from tests.bench.parsing_files import FORMATS, Format
from tests.golden import content_of, providers


@pytest.mark.parametrize("made", FORMATS, ids=lambda one: one.name)
def test_a_file_of_the_bench_is_a_statement_without_rejects(made: Format, tmp_path: Path) -> None:
    path = tmp_path / "statement"
    made.write(path, 50)
    content = content_of(path.read_bytes())
    provider, description = identify(content, providers())
    assert f"{provider.slug} {description.kind}" == made.name
    whose = ReadContext(description.account or made.account, "UTC")
    reading = provider.kind(description.kind).read(content.in_utf8(description.encoding), whose)
    lines, rejects = pl.collect_all([reading.lines, reading.rejects])
    assert (lines.height, rejects.height) == (50, 0)
