"""How every account stands: one row each, and below it what is unusual."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from shlex import quote
from typing import TYPE_CHECKING, Any

from recon.console.grids import print_rows
from recon.console.terminal import (
    print_json,
    shortened,
    shortened_amount,
)
from recon.reporting import text
from recon.wording import Language

if TYPE_CHECKING:
    from recon.io.status import AccountStatus, Figure

_NOTHING = "-"
_SHOWN = 5


_NAMES = (
    *("account", "last_run", "result", "discrepancies", "open_oldest", "matched", "fee_usual"),
    "next",
)


def show_status(
    found: "Sequence[AccountStatus]", *, as_json: bool, language: Language | None = None
) -> None:
    if as_json:
        print_json([_as_json(status) for status in found])
        return
    verdicts = text.words(text.VERDICTS, language or "en")
    providers = [status.provider for status in found]
    rows = []
    for status in found:
        alone = providers.count(status.provider) == 1
        name = status.provider if alone else f"{status.provider} {shortened(status.account)}"
        rows.append(dict(zip(_NAMES, (name, *_row(status, verdicts)), strict=True)))
    print_rows("", rows, _NAMES[3:7], language)
    print(text.phrase("status_legend", language or "en"))
    for status in found:
        for sentence in status.unusual:
            print(f"unusual: {sentence}")
    from recon.metrics import MINIMUM_DAYS

    if young := [status.provider for status in found if not status.comparable]:
        told = ", ".join(dict.fromkeys(young))
        print(f"unusual: told once {MINIMUM_DAYS} days of an account were run; not yet of {told}")
    for status in found:
        if status.stale_since is not None:
            print(
                f"{status.provider} {status.account} is stale: {status.stale_because}; run it "
                f"again: recon run --date {status.stale_since} "
                f"--account {quote(status.account)} --cascade"
            )
    for status in found:
        earlier = [str(day) for day in status.not_proved if day != status.last_run]
        if earlier:
            print(f"{status.provider} {status.account}: not proved: {_counted(earlier)}")
    for status in found:
        if status.not_run:
            days = _counted([str(day) for day in status.not_run])
            print(
                f"{status.provider} {status.account}: not run, though entries or statements of "
                f"them are here: {days}; run them: recon run --date {status.not_run[0]} "
                f"--account {quote(status.account)} --cascade"
            )
    for status in found:
        for sentence in status.stale_settlements:
            print(f"settled otherwise: {sentence}")


def _counted(days: list[str]) -> str:
    """The latest of many."""
    rest = len(days) - _SHOWN
    return ", ".join(days[-_SHOWN:]) + (f" and {rest} earlier" if rest > 0 else "")


def _row(status: "AccountStatus", verdicts: Mapping[str, str]) -> list[str]:
    from recon.reporting.watch import percent

    next_day = f"{status.next_day:%m-%d}"
    coming = verdicts["late"].format(next_day) if status.overdue else next_day
    if status.last_run is None:
        return [verdicts["never"], verdicts["not_run"], *([_NOTHING] * 4), coming]
    verdict = "stale" if status.stale_since else "proved" if status.proved else "not_proved"
    severities = [status.discrepancies.get(name, 0) for name in ("high", "medium", "low")]
    return [
        str(status.last_run),
        verdicts[verdict],
        "/".join(map(str, severities)) if any(severities) else "0",
        _open(status),
        "\n".join(percent(figure.value) for figure in status.figure("match_rate_by_count"))
        or _NOTHING,
        "\n".join(map(_fee, status.figure("fee_rate"))) or _NOTHING,
        coming,
    ]


def _open(status: "AccountStatus") -> str:
    from recon.money import display

    amounts = [
        shortened_amount(display(figure.value, str(figure.currency)))
        for figure in status.figure("open_amount")
    ]
    if not amounts:
        return "0"
    ages = status.figure("oldest_age_days")
    age = f" {int(ages[0].value)}d" if ages else ""
    return "\n".join([*amounts[:-1], f"{amounts[-1]}{age}"])


def _fee(figure: "Figure") -> str:
    from recon.reporting.watch import percent

    usual = "" if figure.usual is None else f" ({percent(figure.usual)})"
    return f"{figure.currency} {percent(figure.value)}{usual}"


def _as_json(status: "AccountStatus") -> dict[str, Any]:
    values = asdict(status) | {"stale": status.stale_since is not None}
    for figure in values["figures"]:
        for name in ("value", "usual"):
            figure[name] = None if figure[name] is None else f"{figure[name].normalize():f}"
    return values
