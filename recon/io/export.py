"""Canonical tables as files for people and other programs, written whole or not at all."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import polars as pl

from recon.errors import ReconError, UserError
from recon.io.cells import FORMULA_START
from recon.masking import mask_free_text
from recon.money import to_text

_ISO_INSTANT: Final = "%Y-%m-%dT%H:%M:%S%.fZ"


def write_frame(frame: pl.DataFrame | pl.LazyFrame, path: Path) -> Path:
    """Write a canonical table as .csv, .jsonl or .parquet, in bounded memory if it is lazy.

    In CSV and JSON lines an amount is plain decimal text and an instant ISO 8601 in UTC; Parquet
    keeps the types. Card numbers in free text are masked. Errors: UserError.
    """
    write = _WRITERS.get(path.suffix)
    if write is None:
        raise UserError(f"{path}: cannot tell the format; end the name in {', '.join(_WRITERS)}")
    with replaced(path) as part:
        write(mask_free_text(frame.lazy()), part)
    return path


def as_records(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """A canonical table as plain values for JSON: amounts as text, instants as ISO 8601."""
    plain = [_plain(name, dtype, in_csv=False) for name, dtype in frame.schema.items()]
    return mask_free_text(frame.lazy()).select(plain).collect().to_dicts()


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A temporary name that becomes `path` when the block ends well, and vanishes when not.

    Errors, of one line: UserError when the place cannot be written or someone has the file open,
    ReconError when the disk is full.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _refuse_if_open(path)
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(part, path)
    except OSError as error:
        raise _not_written(path, error) from None
    finally:
        _remove(part)


def _not_written(path: Path, error: OSError) -> ReconError:
    why = f"cannot write {path}: {error.strerror or error}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ReconError(f"{why}; make room, then run again")
    return UserError(
        f"{why}; close it if it is open in Excel, or make the folder writable, then run again"
    )


def _refuse_if_open(path: Path) -> None:
    """A workbook that is open would be saved over the new one by whoever has it open."""
    for lock in (path.with_name(f"~${path.name}"), path.with_name(f".~lock.{path.name}#")):
        if path.suffix == ".xlsx" and lock.exists():
            raise UserError(
                f"cannot write {path}: it is open (there is a {lock.name}); close it in Excel, or "
                "delete that file if nobody has it open, then run again"
            )


def _remove(part: Path) -> None:
    """What a failure left behind."""
    if part.is_file():
        part.unlink()


def _write_csv(frame: pl.LazyFrame, part: Path) -> None:
    frame.select(
        _plain(name, dtype, in_csv=True) for name, dtype in frame.collect_schema().items()
    ).sink_csv(part)


def _write_json_lines(frame: pl.LazyFrame, part: Path) -> None:
    frame.select(
        _plain(name, dtype, in_csv=False) for name, dtype in frame.collect_schema().items()
    ).sink_ndjson(part)


def _write_parquet(frame: pl.LazyFrame, part: Path) -> None:
    frame.sink_parquet(part)


_WRITERS: Final[dict[str, Callable[[pl.LazyFrame, Path], None]]] = {
    ".csv": _write_csv,
    ".jsonl": _write_json_lines,
    ".parquet": _write_parquet,
}


def _plain(name: str, dtype: pl.DataType, *, in_csv: bool) -> pl.Expr:
    """A column as text that loses nothing, and in CSV can start no formula."""
    cell = pl.col(name)
    if isinstance(dtype, pl.Decimal):
        return to_text(cell).alias(name)
    if isinstance(dtype, pl.Datetime):
        return cell.dt.strftime(_ISO_INSTANT)
    if in_csv and isinstance(dtype, pl.List):
        wrapped = pl.struct(cell.alias("list")).struct.json_encode()
        json = wrapped.str.strip_prefix('{"list":').str.strip_suffix("}")
        return pl.when(cell.is_not_null()).then(json).alias(name)
    if in_csv and isinstance(dtype, pl.String):
        return (
            pl.when(cell.str.contains(FORMULA_START)).then("'" + cell).otherwise(cell).alias(name)
        )
    return cell
