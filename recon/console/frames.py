"""Canonical tables as people and machines read them: lines, entries, discrepancies."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recon.console.grids import draw
from recon.console.terminal import complain, print_json, room
from recon.errors import ReconError, UserError
from recon.reporting import text
from recon.wording import Language

if TYPE_CHECKING:
    import polars as pl

    from recon.io.ledger import LedgerImport
    from recon.io.merchants import Settled
    from recon.io.statements import NormalizedFiles

_ROWS_SHOWN = 30


def show_statements(
    found: "NormalizedFiles",
    out: Path | None,
    *,
    as_json: bool,
    language: Language | None = None,
) -> None:
    """Files, control totals, rejects; the lines themselves when they go nowhere else."""
    if as_json:
        from recon.io.export import as_records

        print_json(
            {
                "files": found.files.to_dicts(),
                "controls": as_records(found.controls),
                "rejects": as_records(found.rejects),
            }
            | ({"lines": as_records(found.lines)} if out is None else {"out": str(out)})
        )
        return
    if out is None:
        columns = ["line_no", "kind", "txn_id", "merchant_ref", "currency", "gross", "fee", "net"]
        _print_frame(found.lines.select(*columns, "status"), "lines", language)
    _print_frame(found.files.rename({"name": "file"}), "statements", language)
    _print_frame(found.controls.drop("file_id"), "control_totals", language)
    if found.rejects.height:
        _print_frame(found.rejects.drop("file_id"), "rejected_rows", language)
    if out is not None:
        print(f"{found.lines.height:,} lines written to {out}")


def show_table(
    frame: "pl.DataFrame",
    what: str,
    out: Path | None,
    *,
    as_json: bool,
    language: Language | None = None,
) -> None:
    """A canonical table: to a file, as JSON, or its first rows."""
    from recon.io.export import as_records, write_frame

    if out is not None:
        write_frame(frame.lazy(), out)
        show_written(frame.height, what, out, as_json=as_json)
    elif as_json:
        print_json(as_records(frame))
    else:
        shown = [name for name in _SHOWN if name in frame.columns]
        _print_frame(frame.select(shown), what, language)


def show_written(rows: int, what: str, out: Path, *, as_json: bool) -> None:
    """How many rows a file has got."""
    if as_json:
        print_json({"rows": rows, "out": str(out)})
    else:
        print(f"{rows:,} {what} written to {out}")


_SHOWN = [
    "business_date",
    "provider",
    "account",
    "type",
    "kind",
    "severity",
    "merchant_ref",
    "txn_id",
    "currency",
    "amount",
    "ledger_account",
    "debit",
    "credit",
    "amount_ledger",
    "amount_provider",
    "difference",
    "tariff",
    "base",
    "charged",
    "expected",
    "variance",
    "our_charge",
    "margin",
    "status",
    "explanation",
    "merchant",
    "first",
    "last",
    "fees",
    "owed",
    "payout",
    "carried_forward",
    "held_back",
    "pay_on",
]


def show_settled(done: "Settled", *, as_json: bool, language: Language | None = None) -> None:
    """Settlements of merchants, and the files that were written."""
    if as_json:
        from recon.io.export import as_records

        print_json(
            {
                "settlements": as_records(done.settlements),
                "held_back_of_nobody": as_records(done.unowned),
                "files": [str(path) for path in done.files],
                "new": done.is_new,
            }
        )
        return
    show_table(done.settlements, "settlements", None, as_json=False, language=language)
    if done.unowned.height:
        columns = ["provider", "account", "business_date", "kind", "merchant_ref", "txn_id"]
        _print_frame(done.unowned.select(*columns, "currency", "gross"), "unowned", language)
    print("\n".join(str(path) for path in done.files))
    if not done.is_new:
        print("settled before, with the same result: nothing is to be paid again")


def _print_frame(
    frame: "pl.DataFrame",
    name: str,
    language: Language | None = None,
    about: object = "",
    *,
    filled: bool = False,
) -> None:
    """The first rows of the table called `name` in `titles.TABLES`, as they fit; headings and words
    are the canonical ones, or of a language. `about` follows its title, such as the days. Columns
    without a value are left out where only those that are `filled` are wanted.
    """
    words = {column: text.COLUMNS[column] for column in frame.columns}  # whether asked for or not
    if filled and frame.height:
        frame = frame.select(one.name for one in frame if one.null_count() < frame.height)
    shown = _displayed(frame.head(_ROWS_SHOWN))
    if language is not None:
        shown = _told(shown, language)
    cells = {
        column.name: ["" if cell is None else str(cell) for cell in column]
        for column in shown.iter_columns()
    }
    title = f"{text.words(text.TABLES, language or 'en')[name]} {about}".rstrip()
    headings = {} if language is None else text.words(words, language)
    right = [column for column, dtype in frame.schema.items() if dtype.is_numeric()]
    print("\n".join(draw(title, cells, right, room(), headings=headings)))
    if frame.height > _ROWS_SHOWN:
        print(f"{frame.height - _ROWS_SHOWN:,} more; --out FILE writes all of them")


def _displayed(frame: "pl.DataFrame") -> "pl.DataFrame":
    """Instants to the second, amounts with the decimals of their currency."""
    import polars as pl

    shown = frame.with_columns(pl.selectors.datetime().dt.to_string("%Y-%m-%d %H:%M:%S"))
    money = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Decimal)]
    if not money:
        return shown
    from recon.money import to_display

    currency = pl.col("currency") if "currency" in frame.columns else pl.lit(None, pl.String)
    counts = currency.is_null()  # a count has no decimals to show
    return shown.with_columns(
        pl.when(counts)
        .then(pl.col(name).cast(pl.String).str.strip_chars_end("0").str.strip_suffix("."))
        .otherwise(to_display(pl.col(name), currency))
        for name in money
    )


def _told(shown: "pl.DataFrame", language: Language) -> "pl.DataFrame":
    """The cells in the words of the workbooks."""
    import polars as pl

    from recon.reporting.columns import worded
    from recon.row_wording import reason_in, rule_in, total_in

    states = text.CASE_STATES if "case_id" in shown.columns else text.STATES
    groups = {"state": states, "type": text.TYPES, "kind": text.KINDS, "side": text.SIDES}
    groups |= {"status": text.STATUSES, "severity": text.SEVERITIES, "change": text.CHANGES}
    groups |= {"component": text.COMPONENTS}
    named = [worded(name, group, language) for name, group in groups.items() if name in shown]
    said = {"rule": rule_in, "reason": reason_in, "name": total_in}
    named += [
        say(pl.col(name), language).alias(name) for name, say in said.items() if name in shown
    ]
    return shown.with_columns(named)


def show_frame(
    frame: "pl.DataFrame",
    name: str,
    *,
    as_json: bool,
    language: Language | None = None,
    about: object = "",
) -> None:
    """Any small table, with all its columns; a column without a value is left out for people."""
    from recon.io.export import as_records

    if as_json:
        print_json(as_records(frame))
        return
    _print_frame(frame, name, language, about, filled=True)


def show_frames(frames: "Mapping[str, pl.DataFrame]") -> None:
    """Several tables as one JSON object."""
    from recon.io.export import as_records

    print_json({name: as_records(frame) for name, frame in frames.items()})


def show_imports(
    done: "Mapping[str, LedgerImport | ReconError]",
    *,
    as_json: bool,
    language: Language | None = None,
) -> None:
    """What became of each file of entries, and why one was refused."""
    if as_json:
        files = {name: _import_as_json(one) for name, one in done.items()}
        whole = ("inserted", "unchanged", "changed", "rejected")
        sums = {key: sum(file.get(key, 0) for file in files.values()) for key in whole}
        rejects = [reject for file in files.values() for reject in file.get("rejects", [])]
        print_json(sums | {"rejects": rejects, "files": files})
        return
    for name, one in done.items():
        if isinstance(one, ReconError):
            continue
        whose = f"{name}: " if len(done) > 1 else ""
        print(
            f"{whose}{one.inserted:,} new, {one.changed:,} changed, {one.unchanged:,} unchanged, "
            f"{one.rejects.height:,} rejected"
        )
        if one.rejects.height:
            _print_frame(one.rejects.drop("file_id"), "rejected_rows", language)
    for name, one in done.items():
        if isinstance(one, UserError):
            others = "; of this file nothing was taken" if len(done) > 1 else ""
            complain(f"{one}{others}")
        elif isinstance(one, ReconError):  # of the world: it names the database, and not the file
            complain(f"{name}: {one}")


def _import_as_json(one: "LedgerImport | ReconError") -> dict[str, Any]:
    from recon.io.export import as_records

    if isinstance(one, ReconError):
        return {"refused": str(one)}
    counts = {"inserted": one.inserted, "unchanged": one.unchanged, "changed": one.changed}
    return counts | {"rejected": one.rejects.height, "rejects": as_records(one.rejects)}
