"""Runs as people and machines read them: one row a day, what changed, what failed, the demo."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from recon.console.grids import print_rows
from recon.console.sources import show_arrivals
from recon.console.terminal import (
    complain,
    end_progress,
    print_json,
    shortened,
    shortened_amount,
)
from recon.reporting import text
from recon.wording import Language

if TYPE_CHECKING:
    import polars as pl

    from recon.io.days import DayOutcome
    from recon.io.demo import DemoReport
    from recon.io.jobs import RunReport
    from recon.io.stale import Stale
    from recon.results import DayResult


_FIGURES = ("lines", "matched", "open", "discrepancies", "difference")
_CHANGES_TOLD = 10  # more are told in numbers; `recon changes` lists them


def show_run(report: "RunReport", *, as_json: bool, language: Language | None = None) -> None:
    """One row a day and account, what changed since the run before, and what failed."""
    end_progress()
    if as_json:
        print_json(_run_as_json(report))
    else:
        _tell_run(report, language)
    for failure in report.failures:
        complain(str(failure))


def _tell_run(report: "RunReport", language: Language | None) -> None:
    show_arrivals(report.arrivals)
    if report.days:
        print_rows("", _days_table(report.days, language or "en"), _FIGURES, language)
        for day in report.days:
            _tell_change(day, is_only_one=len(report.days) == 1)
            _tell_delivery(day.result)
        _tell_unchanged(report)
        _tell_empty_ledger(report)
        # Once an account, as the run has left it.
        tell_stale({(day.result.provider, day.result.account): day.stale for day in report.days})
        print(f"reports: {_common_folder(report)}")
        if report.books:
            print(f"open next: {report.books[-1]}")


def _tell_unchanged(report: "RunReport") -> None:
    unchanged, every = sum(day.change.unchanged for day in report.days), len(report.days)
    if unchanged:
        which = "" if unchanged == every else f" in {unchanged} of {every} days of accounts"
        print(f"nothing changed since the run before{which}")
    same = sum(map(_found_the_same, report.days))
    if same and every > 1:
        told = "other inputs, the same result; the runs before are kept"
        print(f"{same} of {every} days of accounts: {told}")


def _tell_empty_ledger(report: "RunReport") -> None:
    """A first run without entries shows everything open; that is seldom what was meant."""
    went = [day.result.conservation.filter(outcome="input") for day in report.days]
    has_lines, has_entries = (
        any(side in rows["side"] for rows in went) for side in ("line", "entry")
    )
    if has_lines and not has_entries:
        print("the ledger has no entries of these days; take them with: recon ledger import FILE")


def _tell_delivery(result: "DayResult") -> None:
    """Why there is no statement, where that is no mistake, or not yet."""
    whose = f"{result.business_date} {result.provider} {result.account}"
    if result.quiet_because:
        print(f"{whose}: no activity: {result.quiet_because}")
    elif result.later_because:
        print(f"{whose}: not delivered yet: {result.later_because}")


def _run_as_json(report: "RunReport") -> dict[str, Any]:
    from recon.io.reports import read_summary

    return {
        "proved": report.is_proved,
        "days": [
            (read_summary(day.reports) or {})
            | {
                "reports": str(day.reports),
                "unchanged": day.change.unchanged,
                "new": day.change.new["discrepancy_id"].to_list(),
                "cleared": day.change.cleared["discrepancy_id"].to_list(),
                "changed": day.change.changed["discrepancy_id"].to_list(),
                "stale_dates": [str(stale) for stale in day.stale.dates],
            }
            for day in report.days
        ],
        "arrivals": [
            {
                "provider": arrival.provider,
                "account": arrival.file.account,
                "business_date": str(arrival.file.business_date),
                "origin": arrival.origin,
                "name": arrival.file.name,
                "state": arrival.state,
                "version": arrival.file.version,
            }
            for arrival in report.arrivals
        ],
        "failures": [{"what": f.what, "message": f.message} for f in report.failures],
    }


def _verdict(result: "DayResult") -> str:
    if result.proved:
        return "quiet" if result.quiet_because else "proved"
    return "not_proved"


def _days_table(days: "Sequence[DayOutcome]", language: Language) -> list[dict[str, str]]:
    """Day by day, a row an account. Only the differences may need a second line."""
    from recon.metrics import own_lines

    verdicts = text.words(text.VERDICTS, language)
    rows: list[dict[str, str]] = []
    before = None
    for day in sorted(days, key=lambda day: (day.result.business_date, day.result.provider)):
        result = day.result
        if result.business_date != before:
            nothing = dict.fromkeys(("result", *_FIGURES), "")
            rows.append({"account": str(result.business_date), **nothing})
            before = result.business_date
        counts = own_lines(result).counts
        rows.append(
            {
                "account": f"  {result.provider} {shortened(result.account)}",
                "result": verdicts[_verdict(result)],
                "lines": f"{counts.get('input', 0):,}",
                "matched": f"{counts.get('matched', 0):,}",
                "open": f"{result.open_items.height:,}",
                "discrepancies": f"{result.discrepancies.height:,}",
                "difference": _differences(result.discrepancies),
            }
        )
    return rows


def _common_folder(report: "RunReport") -> str:
    """One day's folder, or the folder of all reports with what is below it."""
    folders = [day.reports for day in report.days]
    if len(folders) == 1:
        return str(folders[0])
    return f"{folders[0].parents[2]}/<date>/<provider>/<account>/"


def _sum(column: str) -> "pl.Expr":
    import polars as pl

    return pl.col(column).sum()


def _differences(found: "pl.DataFrame") -> str:
    from recon.money import display

    summed = found.drop_nulls("currency").group_by("currency").agg(_sum("difference"))
    amounts = (display(amount, code) for code, amount in summed.sort("currency").iter_rows())
    return "\n".join(shortened_amount(amount) for amount in amounts)


def _found_the_same(day: "DayOutcome") -> bool:
    """On other inputs than the run before; the same inputs make no new run."""
    return day.supersedes is not None and not day.change.unchanged and day.change.rows.is_empty()


def _tell_change(day: "DayOutcome", *, is_only_one: bool) -> None:
    result, change = day.result, day.change
    name = f"{result.business_date} {result.provider} {result.account}"
    for reason in result.not_proved_because:
        print(f"{name}: not proved: {reason}")
    if day.supersedes is None:
        return
    if change.rows.height or (_found_the_same(day) and is_only_one):
        print(
            f"{name}: {change.new.height} new, {change.cleared.height} cleared, "
            f"{change.changed.height} changed since run {day.supersedes}, which is kept"
        )
    if change.rows.height <= _CHANGES_TOLD:
        for row in change.rows.iter_rows(named=True):
            print(f"  {row['change']}: {row['type']} {row['discrepancy_id']}{_difference_of(row)}")


def _difference_of(row: Mapping[str, Any]) -> str:
    """`, 10.00 CNY`: what a change is about, as it was where it has cleared."""
    from recon.money import display

    difference = row["difference_before"] if row["change"] == "cleared" else row["difference"]
    if difference is None or row["currency"] is None:
        return ""
    was = row["difference_before"] if row["change"] == "changed" else None
    before = "" if was is None else f", before {display(was, row['currency'])}"
    return f", {display(difference, row['currency'])}{before}"


def tell_stale(
    found: Mapping[tuple[str, str], "Stale"], tell: Callable[[str], None] = print
) -> None:
    """Days that began with what is no longer so, by provider and account."""
    from recon.io.inputs import why_stale

    for (provider, account), stale in found.items():
        if stale.dates:
            first, until = stale.dates[0], stale.dates[-1]
            are, days = f"{first} to {until} are", f"--from {first} --to {until}"
            if first == until:
                are, days = f"{first} is", f"--date {first}"
            tell(
                f"{provider} {account}: {are} stale: {why_stale(stale)}; run again with "
                f"--cascade, or: recon run {days} --account {quote(account)}"
            )


def show_demo(report: "DemoReport", *, as_json: bool, language: Language | None = None) -> None:
    """The runs, and each planted type of discrepancy beside what was found."""
    if as_json:
        end_progress()
        print_json(
            _run_as_json(report.runs)
            | {"comparison": report.comparison.to_dicts(), "as_planted": report.is_as_planted}
        )
        return
    show_run(report.runs, as_json=False, language=language)
    verdicts = text.words(text.VERDICTS, language or "en")
    types = {} if language is None else text.words(text.TYPES, language)
    rows = [
        {"type": types.get(kind, kind), "planted": planted, "found": found}
        | {"agrees": verdicts["agrees" if agree else "differs"]}
        for kind, planted, found, agree in report.comparison.iter_rows()
    ]
    print_rows("planted", rows, ("planted", "found"), language)


def show_reports(found: Sequence[Mapping[str, Any]], day: Path, *, as_json: bool) -> None:
    """Proved or not, and where to look: account by account, then the day as a whole."""
    if as_json:
        print_json(list(found))
        return
    for summary in found:
        state = "proved" if summary["proved"] else "NOT PROVED"
        if summary["stale"]:
            state += ", STALE: an earlier day has changed since; run it again"
        if not summary["recorded"]:
            state += ", but the database does not know this run; run the day again"
        print(f"{summary['business_date']} {summary['provider']} {summary['account']}: {state}")
        print(f"  {summary['reports']}")
    if (day / "proof.xlsx").is_file():
        print(f"open next: {day / 'proof.xlsx'}")
