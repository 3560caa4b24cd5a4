"""`recon fees`: the tariff in force, why a line cost what it did, other tariffs, invoices."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from recon import console
from recon.commands.common import COMMON, Common, Only, configured, open_workspace, period_of
from recon.errors import UserError

if TYPE_CHECKING:
    from recon.periods import Period

app = App(
    name="fees",
    help="Fee schedules: what is in force, why a fee is what it is, what another would cost.",
    result_action="return_value",
)
_RANGE = Parameter(name="--from", help="first business date")


@app.command
def show(
    *,
    date: Annotated[str, Parameter(help="business date, YYYY-MM-DD")],
    provider: Only = None,
    account: Only = None,
    common: Common = COMMON,
) -> int:
    """Show the rows of the fee schedules that are in force on a day."""
    from recon.io.fee_jobs import in_force
    from recon.periods import parse_date

    config = configured(common)
    rows = in_force(config, config.accounts_of(provider, account), parse_date(date))
    console.show_schedule(rows, as_json=common.json, language=common.lang)
    return 0


@app.command
def explain(
    line_id: str,
    /,
    *,
    date: Annotated[str | None, Parameter(help="business date, if you know it")] = None,
    common: Common = COMMON,
) -> int:
    """Say by which tariff row a line was assessed, with the arithmetic."""
    from recon.io.fee_jobs import explain as explained
    from recon.periods import parse_date

    day = None if date is None else parse_date(date)
    console.show_explanation(explained(open_workspace(common), line_id, day), as_json=common.json)
    return 0


@app.command
def simulate(
    *,
    schedule: Annotated[Path, Parameter(help="a schedule (.toml) that is not in force")],
    from_: Annotated[str, _RANGE],
    to: Annotated[str, Parameter(help="last business date")],
    provider: Only = None,
    account: Only = None,
    common: Common = COMMON,
) -> int:
    """Say what the days of a range would have cost by another schedule."""
    from recon.io.fee_jobs import simulate as simulated

    workspace = open_workspace(common)
    accounts = workspace.config.accounts_of(provider, account)
    period = period_of(None, from_, to)
    found = simulated(workspace, schedule, accounts, period)
    console.show_simulation(found, as_json=common.json, language=common.lang)
    return 0


@app.command
def invoice(
    file: Annotated[Path | None, Parameter(help="CSV: amount, and tariff, currency")] = None,
    /,
    *,
    provider: str,
    account: str,
    month: Annotated[str, Parameter(help="YYYY-MM")],
    stated: Annotated[str | None, Parameter(help="the invoice's total, instead of FILE")] = None,
    currency: Annotated[str | None, Parameter(help="of the invoice")] = None,
    against: Annotated[
        Literal["charged", "expected"],
        Parameter(help="expected, where fees are invoiced and not kept from payments"),
    ] = "charged",
    common: Common = COMMON,
) -> int:
    """Tie a month's fees out to the provider's invoice; exit code 3 when they do not."""
    from recon.fees.invoice import stated_total
    from recon.io.fee_jobs import read_invoice, tie_out

    workspace = open_workspace(common)
    (whose,) = workspace.config.accounts_of([provider], [account])
    if (file is None) == (stated is None):
        raise UserError("say what the invoice states: a CSV file, or --stated AMOUNT")
    if file is not None:
        lines = read_invoice(file, currency)
    elif currency is not None and stated is not None:
        lines = stated_total(stated, currency)
    else:
        raise UserError("--stated needs the invoice's currency, e.g. --currency CNY")
    found = tie_out(workspace, whose, _month(month), lines, against=against)
    console.show_tie_out(found, as_json=common.json, language=common.lang)
    return 0 if found.ties else 3


def _month(text: str) -> "Period":
    from datetime import timedelta

    from recon.periods import Period, parse_date

    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text):
        raise UserError(f"{text!r} is not a month; write it as YYYY-MM, e.g. 2026-11")
    first = parse_date(f"{text}-01")
    following = (first + timedelta(days=31)).replace(day=1)
    return Period(first, following - timedelta(days=1))
