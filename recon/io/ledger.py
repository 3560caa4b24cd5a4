"""The company's own entries: imported from files into our database, and read from there.

An import is one transaction: rows are staged, compared with what is there as sets, and written. The
same file again changes nothing; an entry that says something else now is updated, and what it said
before is kept in `ledger_entry_version`.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from recon.errors import UserError, ensure
from recon.io import audit
from recon.io.actor import actor_named
from recon.io.closed_entries import ENTRY_CONTENT, is_other, set_aside
from recon.io.csv_blocks import CsvBlock, header_of, read_blocks
from recon.io.database import Database
from recon.io.entry_rows import REQUIRED, conflict_rejects, conflicting, understand
from recon.io.frames import read_rows, write_frame
from recon.io.mapped_ledger import Entries
from recon.io.schema import (
    ENTRY_NUMBER,
    LEDGER_ENTRIES,
    LEDGER_ENTRY_VERSIONS,
    LEDGER_IMPORT_DAYS,
    LEDGER_IMPORTS,
    columns_of,
)
from recon.masking import mask_free_text
from recon.periods import Period
from recon.tables import LEDGER_ENTRY, REJECT, conform, empty

_PARQUET_ROWS: Final = 250_000
_STAGED: Final = {"line_no": pl.Int64(), **LEDGER_ENTRY}


@dataclass(frozen=True)
class LedgerImport:
    """What became of the rows of one file: the four add up to them.

    A row repeated in the file, equal in every column, counts once as what it is and then as
    unchanged. `rejects` is REJECT, one row a rejected row; `file_id` is the sha256 of the bytes.
    """

    inserted: int
    unchanged: int
    changed: int
    rejects: pl.DataFrame
    file_id: str

    @property
    def row_count(self) -> int:
        return self.inserted + self.unchanged + self.changed + self.rejects.height


def import_ledger(
    database: Database, path: Path, now: datetime, actor: str | None = None
) -> LedgerImport:
    """Take the entries of a CSV (UTF-8, comma) or Parquet file into the database.

    Columns are found by name: those of LEDGER_ENTRY, of which entry_id, provider, account,
    business_date, kind, currency and amount must be there. Dates are YYYY-MM-DD; booked_at is ISO
    8601, in UTC where it has no offset; amounts are plain decimals, signed from our side, with no
    more decimals than the currency has. A row that breaks a rule, or would change a signed-off day,
    is a reject, the others are taken.
    Errors: UserError, and nothing is taken, for a file that cannot be read, an unknown or missing
    column, and columns of binary floating point.
    """
    is_parquet = path.suffix.lower() in (".parquet", ".pq")
    file_id, stamp = _digest_of(path)
    _check_columns(_parquet_columns(path) if is_parquet else header_of(path), path.name)
    blocks = _parquet_blocks(path) if is_parquet else read_blocks(path, file_id)
    stage = _stage_table()
    with database.begin() as connection:
        stage.create(connection, checkfirst=False)
        rejects, row_count = _fill(connection, stage, blocks, file_id)
        rejects = pl.concat([rejects, set_aside(connection, stage, file_id)]).sort("line_no")
        if _stamp(path.stat()) != stamp:
            raise UserError(f"{path} changed while it was read; nothing was taken: import it again")
        import_id = _new_import(connection, path.name, file_id, now)
        changed = _replace_changed(connection, stage, import_id, now)
        inserted = _insert_new(connection, stage, import_id)
        if changed or inserted:
            _keep_days(connection, stage, import_id)
        unchanged = row_count - rejects.height - changed - inserted
        ensure(unchanged >= 0, "the import wrote more entries than the file has")
        counts: dict[str, Any] = {
            "inserted_count": inserted,
            "unchanged_count": unchanged,
            "changed_count": changed,
            "rejected_count": rejects.height,
        }
        this = LEDGER_IMPORTS.c.import_id == import_id
        connection.execute(sa.update(LEDGER_IMPORTS).where(this).values(counts))
        audit.append(
            connection,
            actor=actor or actor_named(),
            event="ledger import",
            subject=f"import:{import_id}",
            now=now,
            after=file_id,
            name=path.name,
            **counts,
        )
        stage.drop(connection, checkfirst=False)
    return LedgerImport(inserted, unchanged, changed, rejects, file_id)


def unconfigured_accounts(
    database: Database, accounts: "Iterable[tuple[str, str]]"
) -> list[tuple[str, str, int]]:
    """Provider and account that entries name and `accounts` does not, with how many entries: no run
    would ever look at them."""
    entry = LEDGER_ENTRIES.c
    select = sa.select(entry.provider, entry.account, sa.func.count()).group_by(
        entry.provider, entry.account
    )
    with database.connect() as connection:
        found = [tuple(row) for row in connection.execute(select)]
    known = set(accounts)
    return sorted(row for row in found if (row[0], row[1]) not in known)


def far_ahead(database: Database, after: date) -> list[tuple[str, str, date]]:
    """Provider and account that have entries dated later than a day, and the last day of these."""
    entry, last = LEDGER_ENTRIES.c, sa.func.max(LEDGER_ENTRIES.c.business_date)
    select = (
        sa.select(entry.provider, entry.account, last)
        .where(entry.business_date > after)
        .group_by(entry.provider, entry.account)
        .order_by(entry.provider, entry.account)
    )
    with database.connect() as connection:
        return [(provider, account, day) for provider, account, day in connection.execute(select)]


def imports_by_day(database: Database, provider: str, account: str) -> dict[date, int]:
    """How many imports have added or changed entries of an account, by the day of these."""
    of = LEDGER_IMPORT_DAYS.c
    select = (
        sa.select(of.business_date, sa.func.count())
        .where(of.provider == provider, of.account == account)
        .group_by(of.business_date)
    )
    with database.connect() as connection:
        return dict(iter(connection.execute(select)))


def read_entries(database: Database, provider: str, account: str, period: Period) -> Entries:
    """LEDGER_ENTRY of one account by business date, sorted by entry_id. There are no rejects: a row
    that could not be understood was never imported."""
    with database.connect() as connection:
        days = [_read_day(connection, provider, account, day) for day in period]
    return Entries(pl.concat(days).sort("entry_id"), empty(REJECT))


def _read_day(connection: sa.Connection, provider: str, account: str, day: date) -> pl.DataFrame:
    asked_for = {"provider": provider, "account": account, "business_date": day}
    told = {name: dtype for name, dtype in LEDGER_ENTRY.items() if name not in asked_for}
    entry = LEDGER_ENTRIES.c
    select = sa.select(*(entry[name] for name in told)).where(
        *(entry[name] == value for name, value in asked_for.items())
    )
    frame = read_rows(connection, select, told, sliced_by=ENTRY_NUMBER)
    named = frame.with_columns(pl.lit(value).alias(name) for name, value in asked_for.items())
    return named.select(list(LEDGER_ENTRY))


def entries_digest(frame: pl.DataFrame) -> str:
    """32 hex digits that tell the contents of any flat frame, whatever the order of its rows.

    Two 64-bit sums of row hashes with different seeds. Stable for one version of Polars: after an
    upgrade, a day run again is recorded as a new run with the same result.
    """
    ordered = frame.select(sorted(frame.columns))
    sums = []
    for seed in (0x5EED, 0xACC0):
        hashes = ordered.hash_rows(seed=seed)
        halves = (hashes // 2**32).sum(), (hashes % 2**32).sum()  # so that no sum can overflow
        sums.append((int(halves[0] or 0) * 2**32 + int(halves[1] or 0)) % 2**64)
    return f"{sums[0]:016x}{sums[1]:016x}"


def _digest_of(path: Path) -> tuple[str, tuple[int, int]]:
    try:
        with path.open("rb") as file:
            stamp = _stamp(os.fstat(file.fileno()))
            return hashlib.file_digest(file, "sha256").hexdigest(), stamp
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None


def _stamp(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def _check_columns(names: list[str], file_name: str) -> None:
    valid = ", ".join(LEDGER_ENTRY)
    unknown = [repr(name) for name in names if name not in LEDGER_ENTRY]
    if len(unknown) == len(names) and len(names) > 1:
        raise UserError(
            f"{file_name}: none of its columns is one of a ledger; the first line must name them: "
            f"{valid}; recon normalize shows what a statement holds"
        )
    if unknown:
        hint = ""
        if len(names) == 1 and any(separator in names[0] for separator in ";\t|"):
            hint = "; cells must be separated by commas"
        raise UserError(f"{file_name}: unknown column {', '.join(unknown)}{hint}; valid: {valid}")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise UserError(f"{file_name}: column {', '.join(repeated)} is there more than once")
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise UserError(f"{file_name}: column {', '.join(missing)} is missing; valid: {valid}")


def _parquet_columns(path: Path) -> list[str]:
    try:
        schema = pl.read_parquet_schema(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UserError(f"{path.name} is not a readable Parquet file: {error}") from None
    floats = [name for name, dtype in schema.items() if dtype.is_float()]
    if floats:
        raise UserError(
            f"{path.name}: column {', '.join(floats)} holds binary floating point numbers, which "
            "cannot hold most amounts exactly (0.1 + 0.2 is not 0.3 there); write decimals or text"
        )
    nested = [name for name, dtype in schema.items() if dtype.is_nested() or dtype == pl.Binary]
    if nested:
        raise UserError(f"{path.name}: column {', '.join(nested)} must be text, a number or a date")
    return list(schema)


def _parquet_blocks(path: Path) -> Iterator[CsvBlock]:
    scan = pl.scan_parquet(path, glob=False)
    texts = [_text_of(name, dtype) for name, dtype in scan.collect_schema().items()]
    numbered = scan.select(texts).with_row_index("line_no", offset=1)
    offset = 0
    while (rows := numbered.slice(offset, _PARQUET_ROWS).collect()).height:
        yield CsvBlock(rows, empty(REJECT))
        offset += _PARQUET_ROWS


def _text_of(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        utc = column.dt.convert_time_zone("UTC") if dtype.time_zone else column
        return utc.dt.to_string("%Y-%m-%dT%H:%M:%S%.6f")
    return column.cast(pl.String)


def _stage_table() -> sa.Table:
    return sa.Table(
        "ledger_stage",
        sa.MetaData(),
        sa.Column("line_no", sa.Integer(), primary_key=True),
        *columns_of(LEDGER_ENTRY),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )


def _fill(
    connection: sa.Connection, stage: sa.Table, blocks: Iterator[CsvBlock], file_id: str
) -> tuple[pl.DataFrame, int]:
    """Stage what is understood, once an entry. Answers the rejects and the number of rows read."""
    rejects, staged, row_count = [empty(REJECT)], [], 0
    for block in blocks:
        understood = understand(block.rows, file_id)
        rejects += [mask_free_text(frame) for frame in (block.rejects, understood.rejects)]
        row_count += block.rows.height + block.rejects.height
        entries = mask_free_text(understood.entries).with_columns(pl.col("line_no").cast(pl.Int64))
        write_frame(connection, stage, entries)
        staged.append(entries.select("line_no", key=pl.col("entry_id").hash()))
    lines = pl.concat(staged) if staged else empty({"line_no": pl.Int64(), "key": pl.UInt64()})
    repeated = lines.filter(pl.col("key").is_duplicated()).select("line_no")
    if repeated.height:
        rejects.append(_settle_repeats(connection, stage, repeated, file_id))
    return pl.concat(rejects).sort("line_no"), row_count


def _settle_repeats(
    connection: sa.Connection, stage: sa.Table, lines: pl.DataFrame, file_id: str
) -> pl.DataFrame:
    """Leave one of equal rows and none of contradicting ones; answers these as REJECT."""
    marked = sa.Table(
        "ledger_stage_mark",
        sa.MetaData(),
        sa.Column("line_no", sa.Integer(), primary_key=True),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )
    marked.create(connection, checkfirst=False)
    write_frame(connection, marked, lines)
    is_marked = stage.c.line_no.in_(sa.select(marked.c.line_no))
    rows = read_rows(connection, sa.select(stage).where(is_marked), _STAGED).sort("line_no")
    contradicting = pl.col("entry_id").is_in(conflicting(rows).implode())
    kept = rows.filter(~contradicting).unique("entry_id", keep="first").select("line_no")
    connection.execute(sa.delete(marked))
    write_frame(connection, marked, lines.join(kept, on="line_no", how="anti"))
    connection.execute(sa.delete(stage).where(is_marked))
    marked.drop(connection, checkfirst=False)
    rejects = conflict_rejects(rows.filter(contradicting), file_id, "entry_id")
    return conform(rejects, REJECT)


def _new_import(connection: sa.Connection, name: str, file_id: str, now: datetime) -> int:
    counts = dict.fromkeys(
        ("inserted_count", "unchanged_count", "changed_count", "rejected_count"), 0
    )
    row = {"name": name, "sha256": file_id, "imported_at": now, **counts}
    key = connection.execute(sa.insert(LEDGER_IMPORTS).values(row)).inserted_primary_key
    ensure(key is not None, "the database gave the import no number")
    return int(key[0])  # type: ignore[index]


def _replace_changed(
    connection: sa.Connection, stage: sa.Table, import_id: int, now: datetime
) -> int:
    entry, version = LEDGER_ENTRIES, LEDGER_ENTRY_VERSIONS
    old = sa.select(
        *entry.c, sa.literal(import_id), sa.literal(now, version.c.replaced_at.type)
    ).join_from(entry, stage, entry.c.entry_id == stage.c.entry_id)
    columns = [column.name for column in entry.c] + ["replaced_by", "replaced_at"]
    changed = _insert(
        connection, sa.insert(version).from_select(columns, old.where(is_other(stage)))
    )
    if changed:
        replaced = sa.select(version.c.entry_id).where(version.c.replaced_by == import_id)
        values = {name: stage.c[name] for name in ENTRY_CONTENT} | {"import_id": import_id}
        update = sa.update(entry).values(values).where(entry.c.entry_id == stage.c.entry_id)
        connection.execute(update.where(entry.c.entry_id.in_(replaced)))
    return changed


def _insert_new(connection: sa.Connection, stage: sa.Table, import_id: int) -> int:
    entry = LEDGER_ENTRIES
    known = sa.exists().where(entry.c.entry_id == stage.c.entry_id)
    new = sa.select(*(stage.c[name] for name in LEDGER_ENTRY), sa.literal(import_id)).where(~known)
    return _insert(connection, sa.insert(entry).from_select([*LEDGER_ENTRY, "import_id"], new))


def _keep_days(connection: sa.Connection, stage: sa.Table, import_id: int) -> None:
    """Remember the days of entries that are new or changed, and those that entries have left."""
    entry, version = LEDGER_ENTRIES, LEDGER_ENTRY_VERSIONS
    names = ("provider", "account", "business_date")
    now = sa.select(*(entry.c[name] for name in names)).join_from(
        stage, entry, entry.c.entry_id == stage.c.entry_id
    )
    before = sa.select(*(version.c[name] for name in names))
    days = sa.union(
        now.where(entry.c.import_id == import_id), before.where(version.c.replaced_by == import_id)
    ).subquery()
    values = sa.select(days, sa.literal(import_id))
    _insert(connection, sa.insert(LEDGER_IMPORT_DAYS).from_select([*names, "import_id"], values))


def _insert(connection: sa.Connection, statement: sa.Insert) -> int:
    # Without the option, SQLAlchemy lets the count of an INSERT go on PostgreSQL.
    done = connection.execute(statement, execution_options={"preserve_rowcount": True})
    ensure(done.rowcount >= 0, "the database does not say how many rows it inserted")
    return done.rowcount
