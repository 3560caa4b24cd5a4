"""Made statements read back: by recon's providers, and by plain text without them."""

import csv
import hashlib
from collections.abc import Iterator

import polars as pl

from recon.periods import one_day
from recon.providers import identify
from recon.providers.contract import HEAD_BYTES, Content, ReadContext
from tests.generator.spec import GeneratedDay


def content_of(name: str, data: bytes) -> Content:
    """A statement in memory, as io hands it over."""
    file_id = hashlib.sha256(data).hexdigest()
    return Content(file_id, name, len(data), data[:HEAD_BYTES], data[-HEAD_BYTES:], data)


def normalized(day: GeneratedDay) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Lines to be matched, rejects and control totals of all statements of a day."""
    frames = []
    for name, data in day.files.items():
        content = content_of(name, data)
        provider, description = identify(content)
        assert provider.slug == day.spec.provider
        kind = provider.kind(description.kind)
        context = ReadContext(day.spec.account, kind.time_zone, one_day(day.spec.business_date))
        reading = kind.read(content, context)
        lines, rejects, controls = pl.collect_all(
            [reading.lines, reading.rejects, reading.controls]
        )
        if kind.matched_kinds is not None:
            lines = lines.filter(pl.col("kind").is_in(sorted(kind.matched_kinds)))
        frames.append((lines, rejects, controls))
    lines, rejects, controls = (pl.concat(parts) for parts in zip(*frames, strict=True))
    return lines, rejects, controls


def bill_rows(data: bytes) -> tuple[list[dict[str, str]], dict[str, str]]:
    """The rows of a WeChat Pay bill and its summary, by column name."""
    text = data.decode("utf-8-sig")
    assert text.endswith("\r\n")
    rows = text.removesuffix("\r\n").split("\r\n")
    cells = [row.removeprefix("`").split(",`") for row in rows[1:-2]]
    names, totals = rows[0].split(","), rows[-2].split(",")
    summary = dict(zip(totals, rows[-1].removeprefix("`").split(",`"), strict=True))
    return [dict(zip(names, row, strict=True)) for row in cells], summary


def report_rows(data: bytes) -> Iterator[list[str]]:
    return csv.reader(data.decode("utf-8-sig").splitlines())
