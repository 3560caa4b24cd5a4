"""`recon fees` and `recon withdrawals` as users meet them, on three days of PayPal."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from recon.cli import invoke
from tests.support import copy_place

Recon = Callable[..., int]
CHARGED = "paypal:RECONDEMO7US1:withdrawal:83MJC2BTHGMWMJL1T"
RANGE = ("--from", "2026-11-18", "--to", "2026-11-20")
MINE = ("--provider", "paypal", "--account", "RECONDEMO7US1", "--month", "2026-11")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fees")
    (ledger,) = copy_place(folder, "paypal")
    assert _recon(folder, "ledger", "import", ledger) == 0
    assert _recon(folder, "run", *RANGE) == 0
    return folder


def _recon(place: Path, *arguments: object) -> int:
    common = ["--config", place / "configs", "--workspace", place / "workspace"]
    return invoke([str(argument) for argument in (*arguments, *common)])


@pytest.fixture
def recon(place: Path, capsys: pytest.CaptureFixture[str]) -> Recon:
    capsys.readouterr()
    return lambda *arguments: _recon(place, *arguments)


def test_a_charge_is_explained_by_its_tariff_row(
    recon: Recon, capsys: pytest.CaptureFixture[str]
) -> None:
    assert recon("fees", "explain", CHARGED) == 0
    said = capsys.readouterr().out
    assert "PP withdrawal to bank 1.5% (from 2026-01-01 on)" in said
    assert re.search(r"[0-9]{4}\.00 x 1\.5% = [0-9]{2}\.00, at most 15\.00", said)
    assert "5.00 USD" in said


def test_a_line_is_explained_by_the_terms_of_its_run_whatever_the_tariff_file_says_since(
    place: Path, recon: Recon, capsys: pytest.CaptureFixture[str]
) -> None:
    path = place / "configs" / "fees" / "paypal.toml"
    text = path.read_text("utf-8")

    def explained() -> tuple[str, list[dict[str, object]]]:
        assert recon("fees", "explain", CHARGED) == 0
        said = capsys.readouterr().out
        assert recon("withdrawals", "--date", "2026-11-20", "--json") == 0
        return said, json.loads(capsys.readouterr().out)

    before = explained()
    assert "which is still in the configuration" in before[0]
    path.write_text(text.replace('maximum = "15.00"', 'maximum = "12.00"'), "utf-8")
    after = explained()
    path.write_text(text, "utf-8")
    assert after[1] == before[1]
    assert "at most 15.00" in after[0]
    assert "the configuration has changed since" in after[0]


@pytest.mark.parametrize(
    ("line_id", "code", "said"),
    [
        ("nope", 2, "is a line of no account"),
        ("paypal:RECONDEMO7US1:payment:nope", 3, "no run of paypal RECONDEMO7US1 has read"),
    ],
)
def test_a_line_that_nobody_knows_is_one_line_of_complaint(
    recon: Recon, capsys: pytest.CaptureFixture[str], line_id: str, code: int, said: str
) -> None:
    assert recon("fees", "explain", line_id) == code
    (complaint,) = capsys.readouterr().err.splitlines()
    assert said in complaint


def test_another_schedule_is_simulated_on_the_same_days(
    place: Path, recon: Recon, capsys: pytest.CaptureFixture[str]
) -> None:
    other = place / "other.toml"
    text = (place / "configs/fees/paypal.toml").read_text("utf-8")
    other.write_text(text.replace('percent = "3.49"', 'percent = "2.99"'), "utf-8")
    found = []
    for schedule in (place / "configs/fees/paypal.toml", other):
        assert recon("fees", "simulate", "--schedule", schedule, *RANGE, "--json") == 0
        totals = json.loads(capsys.readouterr().out)["totals"]
        found.append(next(row for row in totals if row["currency"] == "USD"))
    assert found[0]["charged"] == found[1]["charged"]
    charged, usual, cheaper = (
        Decimal(amount)
        for amount in (found[0]["charged"], found[0]["would_be"], found[1]["would_be"])
    )
    assert charged - usual == charged_too_much(place, "USD") > 0
    assert cheaper < usual


def charged_too_much(place: Path, currency: str) -> Decimal:
    """By the discrepancies of all days."""
    reports = place.glob("workspace/reports/*/paypal/*/discrepancies.csv")
    found = pl.concat(pl.read_csv(path, infer_schema=False) for path in reports)
    varies = found.filter(pl.col("type").str.contains("fee_|charge_"), currency=currency)
    return sum((Decimal(amount) for amount in varies["difference"]), Decimal(0))


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("absent.toml", "cannot be read"),
        ('[[tariff]]\nname = "x"', "Field required"),
        ("", "none of the chosen accounts"),
    ],
)
def test_a_schedule_that_cannot_be_simulated_is_refused(
    place: Path, recon: Recon, capsys: pytest.CaptureFixture[str], schedule: str, said: str
) -> None:
    path = place / "absent.toml"
    if schedule != "absent.toml":
        path = place / "bad.toml"
        path.write_text(schedule, "utf-8")
    assert recon("fees", "simulate", "--schedule", path, *RANGE) == 2
    assert said in capsys.readouterr().err


def test_an_invoice_of_a_month_that_was_not_run_to_its_end_does_not_tie_out(
    recon: Recon, capsys: pytest.CaptureFixture[str]
) -> None:
    totals = {}
    for amount in ("0", None):
        stated = ("--stated", amount or totals["USD"]["charged"], "--currency", "USD")
        assert recon("fees", "invoice", *MINE, *stated, "--json") == 3
        answer = json.loads(capsys.readouterr().out)
        totals = {row["currency"]: row for row in answer["totals"]}
    assert set(totals) == {"EUR", "JPY", "USD"}
    assert totals["USD"]["difference"] == "0"
    assert totals["EUR"]["difference"] is None  # it has an invoice of its own
    assert len(answer["missing_dates"]) == 27


def test_an_invoice_is_compared_row_by_row(
    place: Path, recon: Recon, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = place / "invoice.csv"
    lines.write_text(
        "tariff,currency,amount\nPP dispute fee USD 20,USD,80.00\nStatement fee,USD,5\n", "utf-8"
    )
    assert recon("fees", "invoice", lines, *MINE, "--json") == 3
    rows = {row["tariff"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    dispute, unknown = rows["PP dispute fee USD 20"], rows["Statement fee"]
    assert (dispute["charged"], dispute["invoiced"], dispute["difference"]) == ("60", "80", "20")
    assert (unknown["charged"], unknown["invoiced"], unknown["difference"]) == ("0", "5", "5")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*MINE,), "say what the invoice states"),
        ((*MINE, "--stated", "5"), "needs the invoice's currency"),
        ((*MINE, "--stated", "5,00", "--currency", "USD"), "'5,00' is not a plain amount"),
        ((*MINE[:4], "--month", "Nov", "--stated", "5", "--currency", "USD"), "is not a month"),
        ((*MINE, "--stated", "5", "--currency", "usd"), "'usd' is no currency; write its code"),
    ],
)
def test_an_invoice_that_is_not_understood_is_refused(
    recon: Recon, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert recon("fees", "invoice", *arguments) == 2
    assert said in capsys.readouterr().err


def test_an_invoice_that_is_off_by_a_cent_is_bridged_from_the_fee_schedule(
    recon: Recon, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("fees", "invoice", *MINE, "--currency", "USD", "--stated")
    assert recon(*words, "0", "--json") == 3
    totals = json.loads(capsys.readouterr().out)["totals"]
    charged = next(Decimal(row["charged"]) for row in totals if row["currency"] == "USD")
    assert recon(*words, f"{charged + Decimal('0.01')}", "--json") == 3
    steps = json.loads(capsys.readouterr().out)["bridge"]
    assert [(row["step"], row["tariff"]) for row in steps] == [
        ("expected", None),
        ("charged_beside", "PP checkout USD 3.49% + 0.49"),
        ("charged_beside", "PP withdrawal to bank 1.5%"),
        ("charged", None),
        ("not_explained", None),
        ("invoiced", None),
    ]
    amounts = [Decimal(row["amount"]) for row in steps]
    assert sum(amounts[:3]) == amounts[3] == charged
    assert amounts[3] + Decimal("0.01") == amounts[5]
    assert recon(*words, "5") == 3
    said = capsys.readouterr().out
    assert "not on this invoice, and not compared: fees in EUR, JPY" in said


def test_an_invoice_of_another_month_or_currency_says_what_there_is(
    recon: Recon, capsys: pytest.CaptureFixture[str]
) -> None:
    october = (*MINE[:4], "--month", "2026-10")
    assert recon("fees", "invoice", *october, "--stated", "5", "--currency", "USD") == 3
    (complaint,) = capsys.readouterr().err.splitlines()
    assert "no day of 2026-10 was run; its runs are of 2026-11-18 to 2026-11-20" in complaint
    assert recon("fees", "invoice", *MINE, "--stated", "5", "--currency", "GBP") == 3
    assert "nothing was charged in GBP; there are fees in EUR, JPY, USD" in capsys.readouterr().out


def test_the_schedule_in_force_is_shown(recon: Recon, capsys: pytest.CaptureFixture[str]) -> None:
    assert recon("fees", "show", "--date", "2026-11-20") == 0
    assert "1.5%, at least 0.25, at most 15.00" in capsys.readouterr().out
    assert recon("fees", "show", "--date", "2025-12-31", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_withdrawals_are_listed_with_their_charges(
    recon: Recon, capsys: pytest.CaptureFixture[str]
) -> None:
    assert recon("withdrawals", *RANGE, "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["charged"] for row in rows] == ["15", "15", "15", "20"]
    assert [row["variance"] for row in rows] == ["0", "0", "0", "5"]
    assert recon("withdrawals", *RANGE) == 0
    last = capsys.readouterr().out.splitlines()[-1].split()
    assert last == ["USD", "4", "30100.00", "65.00", "60.00", "5.00"]


OURS = """
[[withdrawal]]
name = "ours"
account = "RECONDEMO7US1"
currency = "USD"
charged_to = "customer"
fixed = "15"
effective_from = 2026-01-01
"""


@pytest.mark.parametrize(
    ("name", "free_per", "told"),
    [
        ("PP withdrawal to bank 1.5%", "month", "expected"),
        ("ours", "month", "our_charge"),
        ("ours", "lifetime", "our_charge"),
    ],
)
def test_what_is_counted_over_days_goes_on_from_the_days_before(
    name: str, free_per: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (ledger,) = copy_place(tmp_path, "paypal")
    fees = tmp_path / "configs/fees/paypal.toml"
    quota = f'name = "{name}"\nfree_count = 2\nfree_per = "{free_per}"'
    text = (fees.read_text("utf-8") + OURS).replace(f'name = "{name}"', quota)
    fees.write_text(text, "utf-8")
    two_days = ("--from", "2026-11-19", "--to", "2026-11-20")
    assert _recon(tmp_path, "ledger", "import", ledger) == 0
    assert _recon(tmp_path, "run", *two_days) == 0
    capsys.readouterr()
    assert _recon(tmp_path, "withdrawals", *two_days, "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["business_date"], row[told]) for row in rows] == [
        ("2026-11-19", "0"),
        ("2026-11-20", "0"),
        ("2026-11-20", "15"),
    ]
    # The same once more changes nothing: what was counted is part of what names a run.
    assert _recon(tmp_path, "run", "--date", "2026-11-20") == 0
    assert "nothing changed" in capsys.readouterr().out
