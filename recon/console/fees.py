"""Fee schedules, explanations, simulations and tie-outs, for people and for machines."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from recon.console.frames import show_frame
from recon.console.grids import print_rows
from recon.console.terminal import print_json
from recon.wording import Language

if TYPE_CHECKING:
    import polars as pl

    from recon.fees.schedule import Tariff
    from recon.io.fee_jobs import Simulation, TieOut


def show_schedule(
    rows: "Sequence[Tariff]", *, as_json: bool, language: Language | None = None
) -> None:
    """The rows of a schedule, and what each of them says."""
    if as_json:
        print_json([_plain(row) for row in rows])
        return
    said = [
        {
            "account": row.account,
            "tariff": row.name,
            "from": row.effective_from,
            "to": row.effective_to or "",
            "kinds": ", ".join(sorted(row.kinds)),
            "currency": row.currency,
            "fee": _said(row),
        }
        for row in rows
    ]
    print_rows("fee_schedule", said, language=language)


def _plain(row: "Tariff") -> dict[str, object]:
    return {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name, value in asdict(row).items()
    }


def _said(row: "Tariff") -> str:
    """The fee of a row in a few words: 3.49% + 0.49, at least 1, tiers by month_amount."""
    parts = []
    if row.tiers:
        steps = [f"{tier.percent}% to {tier.up_to or 'end'}" for tier in row.tiers]
        parts.append(f"{row.tier_mode} tiers by {row.tier_by}: {', '.join(steps)}")
    elif row.percent:
        parts.append(f"{row.percent}%")
    if row.fixed:
        parts.append(f"{row.fixed}")
    text = " + ".join(parts) or "free"
    more = {
        "at least": row.minimum,
        "at most": row.maximum,
        "free amount": row.free_amount,
        "free count": row.free_count,
        "tax %": row.tax_percent,
        "tolerance": row.tolerance,
    }
    text += "".join(f", {word} {value}" for word, value in more.items() if value is not None)
    if row.surcharge:
        text += ", surcharge"
    if row.promotion:
        text += ", promotion"
    return text if row.charged_to == "us" else f"{text}, charged to the {row.charged_to} by us"


_SCHEDULES: Final = {
    "same": "by the fee schedule of its run, which is still in the configuration",
    "changed": "by the fee schedule of its run; the configuration has changed since",
    "not_kept": "by the fee schedule of today: that of its run was not kept; run the day again",
}


def show_explanation(found: "pl.DataFrame", *, as_json: bool) -> None:
    """The tariff row of a line and its arithmetic, a paragraph for each component."""
    from recon.io.export import as_records
    from recon.money import display

    if as_json:
        print_json(as_records(found))
        return
    if found.is_empty():
        print("nothing was charged, and no row of the fee schedule covers the line")
    for row in found.iter_rows(named=True):
        until = f"to {row['effective_to']}" if row["effective_to"] else "on"
        tariff = row["tariff"] or "no tariff row"
        dates = f" (from {row['effective_from']} {until})" if row["effective_from"] else ""
        print(f"{row['line_id']} of {row['business_date']}, {row['kind']}: {row['component']}")
        print(f"  tariff      {tariff}{dates}")
        print(f"  arithmetic  {row['arithmetic']}")
        for name in ("expected", "charged", "variance"):
            amount = row[name]
            text = "unknown" if amount is None else display(amount, row["currency"])
            print(f"  {name:10}  {text}")
    if found.height:
        print(_SCHEDULES[found["schedule"][0]])
    if not found["counted"].all():
        print("days before it were run again since: its run counted from another turnover")


def show_simulation(
    found: "Simulation", *, as_json: bool, language: Language | None = None
) -> None:
    """What would have been paid, by tariff row and in all."""
    from recon.io.export import as_records

    if as_json:
        print_json(
            {"days": found.days, "rows": as_records(found.rows)}
            | {"totals": as_records(found.totals)}
        )
        return
    show_frame(found.rows, "by_other_tariff_row", as_json=False, language=language)
    days = found.days
    totals = found.totals.rename({"difference": "simulated_difference"})
    show_frame(totals, "would_have_cost", as_json=False, language=language, about=days)


def show_tie_out(found: "TieOut", *, as_json: bool, language: Language | None = None) -> None:
    """Whether the month ties out, and what the difference consists of."""
    from recon.io.export import as_records

    if as_json:
        print_json(
            {"ties": found.ties, "rows": as_records(found.rows)}
            | {"totals": as_records(found.totals), "missing_dates": found.missing_dates}
            | {"bridge": as_records(found.bridge)}
        )
        return
    stated = found.totals.drop_nulls("invoiced")["currency"]
    show_frame(found.rows, "by_tariff_row", as_json=False, language=language)
    totals = found.totals.rename({"difference": "invoice_difference"})
    show_frame(totals, "by_currency", as_json=False, language=language)
    _show_bridge(found.bridge)
    charged = found.rows.drop_nulls("kind")["currency"].unique().sort()
    for currency in stated.filter(~stated.is_in(charged.implode())):
        there = ", ".join(charged) or "no currency"
        print(f"nothing was charged in {currency}; there are fees in {there}")
    others = found.totals.filter(found.totals["invoiced"].is_null())["currency"]
    if others.len():
        print(f"not on this invoice, and not compared: fees in {', '.join(others)}")
    if found.missing_dates:
        first, last = found.missing_dates[0], found.missing_dates[-1]
        print(f"{len(found.missing_dates)} day(s) of the month have no run: {first} to {last}")
    print("the invoice ties out" if found.ties else "the invoice does NOT tie out")


_STEPS: Final = {
    "expected": "by the fee schedule",
    "charged_beside": "  charged beside it: {}",
    "charged": "charged on the statements",
    "invoiced_beside": "  invoiced beside it: {}",
    "not_explained": "  not explained by any row",
    "invoiced": "invoiced",
}


def _show_bridge(steps: "pl.DataFrame") -> None:
    """From what is expected to what is invoiced, a step a line."""
    from recon.money import display

    said = [
        (_STEPS[step].format(tariff or "no tariff row"), display(amount, currency))
        for currency, step, tariff, amount in steps.iter_rows()
    ]
    widths = [max((len(row[place]) for row in said), default=0) for place in (0, 1)]
    print("from the fee schedule to the invoice")
    for name, amount in said:
        print(f"{name:{widths[0]}}  {amount:>{widths[1]}}")
