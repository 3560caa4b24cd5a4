"""What the commands print: tables for people, JSON for machines, complaints on standard error."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl
    from rich.table import Table

    from recon.io.check import Check
    from recon.io.days import DayOutcome
    from recon.io.demo import DemoReport
    from recon.io.jobs import NormalizedFiles, RunReport
    from recon.io.ledger import LedgerImport
    from recon.providers.contract import Provider
    from recon.results import DayResult
    from recon.settings import AccountSettings

_ROWS_SHOWN = 30


def complain(message: str) -> None:
    """One line a problem, on standard error."""
    for line in message.splitlines():
        print(f"recon: {line}", file=sys.stderr)


def day_listener(as_json: bool) -> "Callable[[AccountSettings, date], None]":
    """Says what is under way, at a terminal only."""

    def tell(account: "AccountSettings", day: date) -> None:
        if not as_json and sys.stderr.isatty():
            text = f"{day} {account.provider} {account.account} ..."
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    return tell


def _done() -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, default=str))


def _table(title: str | None, columns: Sequence[tuple[str, str]]) -> "Table":
    from rich import box
    from rich.table import Table

    made = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for name, justify in columns:
        made.add_column(name, justify=justify)  # type: ignore[arg-type]
    return made


def _print(*parts: Any) -> None:
    from rich.console import Console

    # Piped output keeps whole rows: a log or a file has no width to fit into.
    width = None if sys.stdout.isatty() else 200
    console = Console(width=width, highlight=False)
    for part in parts:
        console.print(part)


def show_run(report: "RunReport", *, as_json: bool) -> None:
    """One row a day and account, what changed since the run before, and what failed."""
    _done()
    if as_json:
        _print_json(_run_as_json(report))
    elif report.days:
        _print(_days_table(report.days))
        for day in report.days:
            _tell_change(day)
            _tell_delivery(day.result)
        print(f"reports: {_common_folder(report)}")
        if report.summary:
            print(f"summary of the range: {report.summary}")
    for failure in report.failures:
        complain(f"{failure.what}: {failure.message}")


def _tell_delivery(result: "DayResult") -> None:
    """Why there is no statement, where that is no mistake, or not yet."""
    whose = f"{result.business_date} {result.provider} {result.account}"
    if result.quiet_because:
        print(f"{whose}: no activity: {result.quiet_because}")
    elif result.later_because:
        print(f"{whose}: not delivered yet: {result.later_because}")


def _run_as_json(report: "RunReport") -> dict[str, Any]:
    from recon.io.jobs import read_summary

    return {
        "proved": report.is_proved,
        "days": [
            read_summary(day.reports)
            | {
                "reports": str(day.reports),
                "unchanged": day.change.unchanged,
                "new": day.change.new["discrepancy_id"].to_list(),
                "cleared": day.change.cleared["discrepancy_id"].to_list(),
                "changed": day.change.changed["discrepancy_id"].to_list(),
                "stale_dates": [str(stale) for stale in day.stale_dates],
            }
            for day in report.days
        ],
        "failures": [{"what": f.what, "message": f.message} for f in report.failures],
    }


def _verdict(result: "DayResult") -> str:
    if result.proved:
        return "[green]proved[/]" + (", no activity" if result.quiet_because else "")
    return "[red]NOT PROVED[/]"


def _days_table(days: "Sequence[DayOutcome]") -> "Table":
    table = _table(
        None,
        [
            ("date", "left"),
            ("provider", "left"),
            ("account", "left"),
            ("result", "left"),
            ("lines", "right"),
            ("matched", "right"),
            ("open", "right"),
            ("discrepancies", "right"),
            ("difference", "right"),
        ],
    )
    for day in sorted(days, key=lambda day: (day.result.business_date, day.result.provider)):
        result = day.result
        counts = _line_counts(result.conservation)
        table.add_row(
            str(result.business_date),
            result.provider,
            result.account,
            _verdict(result),
            f"{sum(counts.values()):,}",
            f"{counts.get('matched', 0):,}",
            f"{result.open_items.height:,}",
            f"{result.discrepancies.height:,}",
            _differences(result.discrepancies),
        )
    return table


def _common_folder(report: "RunReport") -> str:
    """One day's folder, or the folder of all reports with what is below it."""
    folders = [day.reports for day in report.days]
    if len(folders) == 1:
        return str(folders[0])
    return f"{folders[0].parents[2]}/<date>/<provider>/<account>/"


def _line_counts(conservation: "pl.DataFrame") -> dict[str, int]:
    lines = conservation.filter(side="line").group_by("outcome").agg(_sum("row_count"))
    return dict(lines.iter_rows())


def _sum(column: str) -> "pl.Expr":
    import polars as pl

    return pl.col(column).sum()


def _differences(found: "pl.DataFrame") -> str:
    from recon.money import display

    summed = found.drop_nulls("currency").group_by("currency").agg(_sum("difference"))
    return "\n".join(display(amount, code) for code, amount in summed.sort("currency").iter_rows())


def _tell_change(day: "DayOutcome") -> None:
    result, change = day.result, day.change
    name = f"{result.business_date} {result.provider} {result.account}"
    for reason in result.not_proved_because:
        print(f"{name}: not proved: {reason}")
    if change.unchanged:
        print(f"{name}: nothing changed since the run before")
    elif day.supersedes is not None:
        print(
            f"{name}: {change.new.height} new, {change.cleared.height} cleared, "
            f"{change.changed.height} changed since run {day.supersedes}, which is kept"
        )
    if day.stale_dates:
        later = f"--from {day.stale_dates[0]} --to {day.stale_dates[-1]}"
        print(f"{name}: later days were run on the old result; rerun them: recon run {later}")


def show_demo(report: "DemoReport", *, as_json: bool) -> None:
    """The runs, and each planted type of discrepancy beside what was found."""
    if as_json:
        _done()
        _print_json(
            _run_as_json(report.runs)
            | {"comparison": report.comparison.to_dicts(), "as_planted": report.is_as_planted}
        )
        return
    show_run(report.runs, as_json=False)
    table = _table(
        "planted in the samples, and found",
        [("type", "left"), ("planted", "right"), ("found", "right"), ("", "left")],
    )
    for kind, planted, found, agree in report.comparison.iter_rows():
        table.add_row(kind, str(planted), str(found), "[green]✓[/]" if agree else "[red]differs[/]")
    _print(table)


def show_statements(found: "NormalizedFiles", out: Path | None, *, as_json: bool) -> None:
    """Files, control totals, rejects; the lines themselves when they go nowhere else."""
    if as_json:
        from recon.io.export import as_records

        _print_json(
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
        _print(_frame_table(found.lines.select(*columns, "status"), "lines"))
    _print(_frame_table(found.files, "statements"))
    _print(_frame_table(found.controls.drop("file_id"), "control totals"))
    if found.rejects.height:
        _print(_frame_table(found.rejects.drop("file_id"), "rejected rows"))
    if out is not None:
        print(f"{found.lines.height:,} lines written to {out}")


def show_table(frame: "pl.DataFrame", what: str, out: Path | None, *, as_json: bool) -> None:
    """A canonical table: to a file, as JSON, or its first rows."""
    from recon.io.export import as_records, write_frame

    if out is not None:
        write_frame(frame.lazy(), out)
        print(f"{frame.height:,} {what} written to {out}")
    elif as_json:
        _print_json(as_records(frame))
    else:
        shown = [name for name in _SHOWN if name in frame.columns]
        _print(_frame_table(frame.select(shown), what))


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
    "amount_ledger",
    "amount_provider",
    "difference",
    "status",
    "explanation",
]


def _frame_table(frame: "pl.DataFrame", title: str) -> "Table":
    import polars as pl

    numeric = {name for name, dtype in frame.schema.items() if dtype.is_numeric()}
    table = _table(title, [(n, "right" if n in numeric else "left") for n in frame.columns])
    money = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Decimal)]
    shown = frame.head(_ROWS_SHOWN)
    if money:
        from recon.money import to_display

        currency = pl.col("currency") if "currency" in frame.columns else pl.lit(None, pl.String)
        counts = currency.is_null()  # a count has no decimals to show
        shown = shown.with_columns(
            pl.when(counts)
            .then(pl.col(name).cast(pl.String).str.strip_chars_end("0").str.strip_suffix("."))
            .otherwise(to_display(pl.col(name), currency))
            for name in money
        )
    for row in shown.iter_rows():
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    if frame.height > _ROWS_SHOWN:
        table.caption = f"{frame.height - _ROWS_SHOWN:,} more; --out FILE writes all of them"
    return table


def show_import(done: "LedgerImport", *, as_json: bool) -> None:
    if as_json:
        _print_json(
            {
                "inserted": done.inserted,
                "unchanged": done.unchanged,
                "changed": done.changed,
                "rejected": done.rejects.height,
            }
        )
        return
    print(
        f"{done.inserted:,} new, {done.changed:,} changed, {done.unchanged:,} unchanged, "
        f"{done.rejects.height:,} rejected"
    )
    if done.rejects.height:
        _print(_frame_table(done.rejects.drop("file_id"), "rejected rows"))


def show_reports(found: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    if as_json:
        _print_json(list(found))
        return
    for summary in found:
        state = "proved" if summary["proved"] else "NOT PROVED"
        print(f"{summary['business_date']} {summary['provider']} {summary['account']}: {state}")
        print(f"  {summary['reports']}")


def show_check(found: "Check", *, as_json: bool) -> None:
    """What comes next, who answers, and what would stop a run."""
    if as_json:
        answers = {"sources": found.answers} if found.answers else {}
        deliveries = {"deliveries": [vars(delivery) for delivery in found.deliveries]}
        _print_json({"problems": found.problems} | answers | deliveries)
        return
    if found.deliveries:
        names = ("provider", "account", "last received", "next", "expected by", "")
        table = _table("statements", [(name, "left") for name in names])
        for one in found.deliveries:
            state = "[red]overdue[/]" if one.state == "overdue" else one.state
            last = "" if one.last_received is None else str(one.last_received)
            at = one.expected_at or "when the day is run"
            table.add_row(one.provider, one.account, last, str(one.business_date), at, state)
        _print(table)
    for answer in found.answers:
        print(answer)
    for problem in found.problems:
        complain(problem)
    if not found.problems:
        print("configuration, folders, secrets and database are in order")


def show_providers(providers: "Mapping[str, Provider]", *, as_json: bool) -> None:
    rows = [
        {"provider": slug, "title": provider.title, "statement": kind.name, "what": kind.title}
        | {"format": kind.url}
        for slug, provider in providers.items()
        for kind in provider.kinds
    ]
    if as_json:
        _print_json(rows)
        return
    table = _table(None, [(name, "left") for name in rows[0]])
    for row in rows:
        table.add_row(*row.values())
    _print(table)
