"""Golden files: what each sample statement is read as, beside it, as plain CSV.

`python -m tests.golden` writes the missing ones; `--force` writes them all again. Look at the
difference before committing it: a golden file that changes is a change for every user.
"""

import hashlib
import sys
import tomllib
from functools import cache
from pathlib import Path

import polars as pl

from recon.io.config import load_config
from recon.money import to_text
from recon.providers import identify
from recon.providers.contract import HEAD_BYTES, Content, Provider, ReadContext, Reading

ROOT = Path(__file__).parents[1]
SUFFIX = ".golden.csv"


def samples() -> list[Path]:
    """The sample statements of all providers."""
    folders = [path for path in (ROOT / "sample_statements").iterdir() if path.is_dir()]
    return sorted(
        path
        for folder in folders
        if folder.name not in ("ledger", "labels", "rates", "other")
        for path in folder.iterdir()
        if not path.name.endswith(SUFFIX)
    )


def other_samples() -> list[Path]:
    """A few rows, made by hand, of each kind of statement that the three days do not need."""
    paths = (ROOT / "sample_statements" / "other").glob("*/*")
    return sorted(path for path in paths if not path.name.endswith(SUFFIX))


def golden_of(sample: Path) -> Path:
    return sample.with_name(sample.name + SUFFIX)


def content_of(data: bytes, name: str = "statement") -> Content:
    file_id = hashlib.sha256(data).hexdigest()
    return Content(file_id, name, len(data), data[:HEAD_BYTES], data[-HEAD_BYTES:], data)


def account_of(sample: Path) -> str | None:
    """The configured account that a sample's name holds, or else the only one of its provider."""
    path = ROOT / "configs" / "providers" / f"{sample.parent.name}.toml"
    accounts = [row["account"] for row in tomllib.loads(path.read_text("utf-8"))["account"]]
    named = [account for account in accounts if account in sample.name]
    return next(iter(named or accounts))


@cache
def providers() -> dict[str, Provider]:
    """Those with code, and those the shipped configuration describes."""
    return load_config(ROOT / "configs").providers


def read(content: Content, account: str | None = None) -> Reading:
    provider, description = identify(content, providers())
    kind = provider.kind(description.kind)
    whose = account if description.account is None else None
    return kind.read(content.in_utf8(description.encoding), ReadContext(whose, kind.time_zone))


def rendered(sample: Path) -> str:
    """Lines, then rejects, as CSV: money plain, instants ISO 8601, without the file's hash."""
    reading = read(content_of(sample.read_bytes(), sample.name), account_of(sample))
    parts = []
    for frame in (reading.lines, reading.rejects):
        collected = frame.collect().drop("file_id").sort("line_no")
        if collected.height:
            parts.append(collected.select(_plain(n, t) for n, t in collected.schema.items()))
    return "\n".join(part.write_csv() for part in parts)


def _plain(name: str, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Decimal):
        return to_text(pl.col(name)).alias(name)
    if isinstance(dtype, pl.Datetime):
        return pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return pl.col(name)


def main() -> None:
    force = "--force" in sys.argv
    for sample in [*samples(), *other_samples()]:
        golden = golden_of(sample)
        if golden.exists() and not force and golden.read_text("utf-8") != rendered(sample):
            sys.exit(f"{golden.name} differs; look at it, then run again with --force")
        golden.write_text(rendered(sample), "utf-8")


if __name__ == "__main__":
    main()
