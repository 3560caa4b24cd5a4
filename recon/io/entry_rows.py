"""Rows of text, from a file or a company's table, to ledger entries; what is wrong is a reject.

Pandera checks every row and reports every failure; a row with several of them is one reject that
names them all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import polars as pl

from recon import money
from recon.errors import ensure
from recon.tables import KINDS, LEDGER_ENTRY, REJECT, STATUSES, conform, empty

REQUIRED: Final = ("entry_id", "provider", "account", "business_date", "kind", "currency", "amount")
SAME_KINDS: Final = {kind: kind for kind in KINDS}
SAME_STATUSES: Final = {status: status for status in STATUSES}

_CODES: Final = ("kind", "status")  # a value not in the vocabulary is unmapped, not malformed
_NAIVE: Final = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?"
_OFFSET: Final = r"(?:Z|[+-]\d{2}(?::?\d{2})?)"
_INSTANT_FORMAT: Final = "%Y-%m-%dT%H:%M:%S%.f%#z"


@dataclass(frozen=True)
class Understood:
    """`entries`: line_no and LEDGER_ENTRY; `rejects`: REJECT, one a row that is not in entries."""

    entries: pl.DataFrame
    rejects: pl.DataFrame


def understand(
    rows: pl.DataFrame,
    file_id: str,
    *,
    kinds: Mapping[str, str] = SAME_KINDS,
    statuses: Mapping[str, str] = SAME_STATUSES,
    field_names: Mapping[str, str] | None = None,
) -> Understood:
    """Check and convert rows of text: line_no and any columns of LEDGER_ENTRY.

    Blank cells are null. `kinds` and `statuses` are closed maps from the source's codes to ours;
    `field_names` are the source's own column names, for the rejects.
    """
    texts = conform(rows, {"line_no": pl.UInt32(), **dict.fromkeys(LEDGER_ENTRY, pl.String())})
    blank = pl.col(pl.String).str.strip_chars() == ""
    texts = texts.with_columns(pl.when(~blank).then(pl.col(pl.String)))
    parsed = texts.with_columns(
        day=_day(pl.col("business_date")),
        instant=_instant(pl.col("booked_at")),
        exact=money.parse(pl.col("amount"), decimals=18),
    )
    rejects = _rejects(parsed, file_id, kinds, statuses, field_names or {})
    good = parsed.join(rejects, on="line_no", how="anti", maintain_order="left")
    entries = good.with_columns(
        business_date="day",
        booked_at="instant",
        amount="exact",
        kind=pl.col("kind").replace_strict(kinds, return_dtype=pl.String),
        status=pl.col("status").replace_strict(statuses, return_dtype=pl.String),
    ).select("line_no", *LEDGER_ENTRY)
    ensure(entries.height + rejects.height == rows.height, "a ledger row was lost")
    return Understood(entries, rejects)


def conflicting(entries: pl.DataFrame) -> pl.Series:
    """The entry_ids that `entries` has with different contents; equal rows are no conflict."""
    contents = entries.select(LEDGER_ENTRY.keys()).unique()
    return contents.filter(pl.col("entry_id").is_duplicated())["entry_id"].unique()


def conflict_rejects(entries: pl.DataFrame, file_id: str, field_name: str) -> pl.DataFrame:
    """REJECT for entries (line_no and LEDGER_ENTRY) that contradict each other."""
    reason = "this entry_id is on several rows with different contents; none of them is taken"
    return entries.select(
        pl.lit(file_id).alias("file_id"),
        "line_no",
        pl.lit(field_name).alias("field"),
        pl.col("entry_id").alias("value"),
        pl.lit(reason).alias("reason"),
        pl.lit(value=False).alias("unmapped"),
    )


def _day(text: pl.Expr) -> pl.Expr:
    iso = text.str.contains(r"^\d{4}-\d{2}-\d{2}$")
    return pl.when(iso).then(text.str.to_date("%Y-%m-%d", strict=False))


def _instant(text: pl.Expr) -> pl.Expr:
    """ISO 8601 to UTC microseconds; without an offset it is UTC already."""
    iso = text.str.contains(f"^{_NAIVE}{_OFFSET}?$")
    spelled_out = (
        text.str.replace(" ", "T", literal=True)
        .str.replace(r"^(.{16})(Z|[+-]|$)", "${1}:00${2}")
        .str.replace(r"(T[^Z+-]*)$", "${1}Z")
    )
    instant = spelled_out.str.to_datetime(_INSTANT_FORMAT, time_unit="us", strict=False)
    return pl.when(iso).then(instant)


def _rejects(
    parsed: pl.DataFrame,
    file_id: str,
    kinds: Mapping[str, str],
    statuses: Mapping[str, str],
    field_names: Mapping[str, str],
) -> pl.DataFrame:
    failures = _failures(parsed, tuple(kinds), tuple(statuses))
    if failures.height == 0:
        return empty(REJECT)
    order = {name: position for position, name in enumerate(LEDGER_ENTRY)}
    named = failures.with_columns(
        position=pl.col("column").replace_strict(order, return_dtype=pl.Int32),
        field=pl.col("column").replace(dict(field_names)),
        value=pl.when(pl.col("failure_case") != "null").then("failure_case"),
        unmapped=pl.col("column").is_in(_CODES) & (pl.col("failure_case") != "null"),
        sentence=pl.concat_str("column", pl.lit(" "), "check"),
    )
    line_numbers = parsed.select(pl.int_range(pl.len(), dtype=pl.Int32).alias("index"), "line_no")
    return (
        named.sort("index", "position", "check_number")
        .group_by("index", maintain_order=True)
        .agg(
            pl.col("field", "value", "unmapped").first(),
            pl.col("sentence").str.join("; ").alias("reason"),
        )
        .join(line_numbers, on="index", how="left", maintain_order="left")
        .with_columns(file_id=pl.lit(file_id))
        .select(pl.col(name).cast(dtype) for name, dtype in REJECT.items())
    )


def _failures(
    parsed: pl.DataFrame, kinds: tuple[str, ...], statuses: tuple[str, ...]
) -> pl.DataFrame:
    """Pandera's failure cases: column, check (the end of a sentence), failure_case, index."""
    import pandera.polars as pa

    try:
        _schema(kinds, statuses).validate(parsed, lazy=True)
    except pa.errors.SchemaErrors as error:
        failures: pl.DataFrame = error.failure_cases
        ensure(bool(failures["index"].is_not_null().all()), f"a ledger check broke: {error}")
        return failures.with_columns(
            pl.col("check").replace("not_nullable", "is empty; every entry needs one")
        )
    return empty({"index": pl.Int32()})


@cache
def _schema(kinds: tuple[str, ...], statuses: tuple[str, ...]) -> Any:
    import pandera.polars as pa

    def rule(condition: Callable[[pl.Expr], pl.Expr], sentence: str) -> Any:
        def holds(data: Any) -> pl.LazyFrame:
            frame: pl.LazyFrame = data.lazyframe
            return frame.select(condition(pl.col(data.key)).fill_null(value=True))

        return pa.Check(holds, error=sentence)

    def read_as(name: str, sentence: str) -> Any:
        return rule(lambda text: text.is_null() | pl.col(name).is_not_null(), sentence)

    exact = pl.col("exact")
    rules = {
        "business_date": [read_as("day", "is not a date; write it as YYYY-MM-DD")],
        "booked_at": [read_as("instant", "is not an instant; write 2026-11-20T10:00:00+08:00")],
        "kind": [rule(lambda text: text.is_in(kinds), f"is not one of {', '.join(kinds)}")],
        "status": [rule(lambda text: text.is_in(statuses), f"is not one of {', '.join(statuses)}")],
        "currency": [
            rule(
                lambda text: money.exponent_of(text).is_not_null(),
                "is not a currency code known here; write it like CNY",
            )
        ],
        "amount": [
            read_as("exact", "is not a plain decimal number; write it like -1234.50"),
            rule(
                lambda _: (
                    exact.is_null()
                    | money.exponent_of(pl.col("currency")).is_null()
                    | money.fits(exact, pl.col("currency"))
                ),
                "has more decimals than its currency allows",
            ),
        ],
    }
    held = rule(lambda text: ~text.str.contains("\0", literal=True), "has a NUL character in it")
    return pa.DataFrameSchema(
        {
            name: pa.Column(pl.String, [*rules.get(name, []), held], nullable=name not in REQUIRED)
            for name in LEDGER_ENTRY
        },
        name="ledger import",
    )
