"""What every provider must do: one suite for all folders and all samples, found by listing."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from recon.errors import StatementError
from recon.io.encodings import in_utf8
from recon.money import fits
from recon.providers import all_providers, checks, identify
from recon.providers.contract import Content, ReadContext
from recon.tables import BALANCE, CONTROL_TOTAL, KINDS, REJECT, STATEMENT_LINE, STATUSES
from tests.generator.sources import all_sources
from tests.golden import ROOT, account_of, content_of, providers, read, samples

PROVIDERS = list(providers().values())
GARBAGE = {
    "nothing": b"",
    "a byte": b"\x00",
    "binary": bytes(range(256)) * 40,
    "words": b"hello,world\n1,2\n",
    "half a character": "交易时间".encode()[:-1],
    "GBK": "时间,单号\n".encode("gbk"),
    "quotes": b'"SB\n"',
    "blank lines": b"\n\n\n",
}


@pytest.fixture(scope="module", params=samples(), ids=lambda path: path.name)
def sample(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def frames_of(sample: Path, content: Content | None = None) -> list[pl.DataFrame]:
    content = content or content_of(sample.read_bytes(), sample.name)
    reading = read(content, account_of(sample))
    return pl.collect_all([reading.lines, reading.rejects, reading.controls, reading.balances])


def test_a_provider_says_what_it_is() -> None:
    for provider in PROVIDERS:
        assert provider.title
        assert provider.title_zh
        assert provider.kinds
        for kind in provider.kinds:
            assert kind.url.startswith("https://") or provider.slug not in all_providers()
            assert kind.title
            assert kind.matched_kinds is None or kind.matched_kinds <= set(KINDS)


def test_every_provider_has_samples() -> None:
    there = {path.parent.name for path in samples()}
    assert there == {provider.slug for provider in PROVIDERS}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_foreign_bytes_are_nobodys_and_raise_nothing(data: bytes) -> None:
    for provider in PROVIDERS:
        for kind in provider.kinds:
            assert kind.describe(content_of(data)) is None
    with pytest.raises(StatementError):
        identify(content_of(data), providers())


def test_a_file_is_known_by_its_content_under_any_name(sample: Path) -> None:
    data = sample.read_bytes()
    named, misnamed = (
        identify(content_of(data, name), providers()) for name in (sample.name, "x.txt")
    )
    assert named == misnamed
    assert named[0].slug == sample.parent.name


def test_frames_have_the_canonical_columns(sample: Path) -> None:
    schemas = (STATEMENT_LINE, REJECT, CONTROL_TOTAL, BALANCE)
    for frame, schema in zip(frames_of(sample), schemas, strict=True):
        assert dict(frame.schema) == dict(schema)


def test_every_data_row_is_a_line_or_a_reject(sample: Path) -> None:
    lines, rejects, _, _ = frames_of(sample)
    source = next(made for made in all_sources() if made.slug == sample.parent.name)
    # A row may be two lines, as a transfer and its fee in another token are, but never both.
    understood, refused = set(lines["line_no"]), set(rejects["line_no"])
    assert len(understood) + len(refused) == source.rows[sample.name]
    assert not understood & refused


def test_lines_keep_the_invariants(sample: Path) -> None:
    lines = frames_of(sample)[0]
    assert lines.filter(pl.col("net") != pl.col("gross") - pl.col("fee")).height == 0
    assert set(lines["kind"]) <= set(KINDS)
    assert set(lines["status"]) <= set(STATUSES)
    for amount in ("gross", "fee", "net"):
        assert lines.select(fits(pl.col(amount), pl.col("currency")).all()).item()
    assert lines["occurred_at"].dtype == pl.Datetime("us", "UTC")
    start = f"{sample.parent.name}:"
    assert all(line_id.startswith(start) for line_id in lines["line_id"])


def test_control_totals_tie(sample: Path) -> None:
    controls = frames_of(sample)[2]
    assert controls.height > 0
    assert controls.filter(pl.col("stated").ne_missing(pl.col("computed"))).height == 0


def test_bytes_and_a_path_are_read_alike(sample: Path, tmp_path: Path) -> None:
    content = content_of(sample.read_bytes(), sample.name)
    provider, description = identify(content, providers())
    kind = provider.kind(description.kind)
    there = in_utf8(replace(content, scannable=str(sample)), description.encoding, tmp_path)
    context = ReadContext(account_of(sample) if description.account is None else None,
                          kind.time_zone)  # fmt: skip
    reading = kind.read(there, context)
    frames = pl.collect_all([reading.lines, reading.rejects, reading.controls, reading.balances])
    for one, other in zip(frames_of(sample), frames, strict=True):
        assert one.equals(other)


def test_another_account_or_day_is_rejected_and_still_counted(sample: Path) -> None:
    content = content_of(sample.read_bytes(), sample.name)
    provider, description = identify(content, providers())
    if description.account is None:
        pytest.skip("the file names no account")
    kind = provider.kind(description.kind)
    if kind.matched_kinds == frozenset():
        pytest.skip("a summary has no lines")
    reading = kind.read(
        content.in_utf8(description.encoding), ReadContext("somebody else", kind.time_zone)
    )
    lines, rejects, controls = pl.collect_all([reading.lines, reading.rejects, reading.controls])
    assert lines.height == 0
    assert rejects.height > 0
    assert controls.filter(pl.col("stated").ne_missing(pl.col("computed"))).height == 0


def test_samples_are_invented() -> None:
    assert "invented" in (ROOT / "sample_statements" / "README.md").read_text("utf-8")


def test_lines_are_made_of_columns_that_are_in_pieces_of_any_length() -> None:
    def pieces(texts: list[str], *lengths: int) -> pl.Series:
        cut = iter(texts)
        parts = [pl.Series([next(cut) for _ in range(length)]) for length in lengths]
        return pl.concat(parts, rechunk=False)

    numbers = range(8)
    rows = pl.DataFrame(
        {
            "account": pieces([f"a{n}" for n in numbers], 8),
            "kind": pieces([f"kind{n}" for n in numbers], 2, 6),
            "key": pieces([f"{n}" * 20 for n in numbers], 1, 4, 3),
        }
    ).with_columns(gross=pl.lit(2), fee=pl.lit(1))
    some = rows.lazy().filter(pl.col("key").str.starts_with("4").not_())
    made = checks.to_lines(some, "slug", "file", ["key"]).collect(engine="streaming")
    wanted = [f"slug:a{n}:kind{n}:{str(n) * 20}" for n in numbers if n != 4]
    assert made["line_id"].to_list() == wanted
