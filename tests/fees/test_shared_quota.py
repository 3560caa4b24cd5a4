"""A free quota that two accounts of one merchant share: what one has used the other has not."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import cast

import polars as pl
import pytest

from recon.cli import invoke
from recon.fees.counting import usage
from recon.fees.schedule import Tariff
from recon.fees.tables import FEE_USAGE
from recon.io import fee_history
from recon.io.config import load_config
from recon.io.database import Database
from recon.io.fee_history import DAY_COUNTS, DAY_FEES, fees_of, usage_before
from recon.settings import AccountSettings
from tests.support import account_of, copy_place, frame_of

ONE, OTHER = "4711-0815", "4711-0816"
ROW = """
[[tariff]]
name = "cards"
account = "{account}"
kinds = ["payment"]
currency = "EUR"
fixed = "1"
free_count = 30
free_per = "lifetime"
counted_with = {others}
effective_from = 2026-01-01
"""


WELCOME = """
[[tariff]]
name = "welcome"
account = "{account}"
kinds = ["payment"]
currency = "EUR"
promotion = true
quota_count = 30
counted_with = {others}
effective_from = 2026-01-01

[[tariff]]
name = "cards"
account = "{account}"
kinds = ["payment"]
currency = "EUR"
fixed = "1"
effective_from = 2026-01-01
"""


def two_accounts(place: Path, *, shared: bool = True, row: str = ROW) -> Path:
    """The acquirer's samples, once more under another number, and a fee of 1 for each payment but
    the first thirty."""
    copy_place(place, "acquirer", "bank")
    settings = place / "configs" / "providers" / "acquirer.toml"
    text = settings.read_text("utf-8")
    start, end = text.index("[[account]]"), text.index("[[statement]]")
    account = text[start:end]
    again = account.replace(ONE, OTHER)
    settings.write_text(text[:start] + account + again + text[end:], "utf-8")
    rows = [
        row.format(account=mine, others=[theirs] if shared else [])
        for mine, theirs in ((ONE, OTHER), (OTHER, ONE))
    ]
    (place / "configs" / "fees" / "acquirer.toml").write_text("".join(rows), "utf-8")
    folder = place / "sample_statements" / "acquirer"
    for path in sorted(folder.glob("*.csv")):
        if "golden" in path.name:
            path.unlink()
            continue
        data = path.read_bytes().replace(ONE.encode(), OTHER.encode())
        (folder / path.name.replace(ONE, OTHER)).write_bytes(data)
    return place


def expected(place: Path) -> dict[tuple[str, int], Decimal]:
    """What was expected of payments, by account and day."""
    words = ("--config", f"{place}/configs", "--workspace", f"{place}/workspace")
    days = ("--from", "2026-11-18", "--to", "2026-11-19", "--provider", "acquirer")
    assert invoke(["run", *days, *words]) == 0
    return charged(place)


def charged(place: Path) -> dict[tuple[str, int], Decimal]:
    database = Database.open(f"sqlite:///{place}/workspace/recon.db")
    accounts = load_config(place / "configs").accounts_of(["acquirer"], None)
    fees = pl.concat(fees_of(database, account) for account in accounts)
    cards = fees.filter(tariff="cards", kind="payment")
    return {
        (account, day.day): amount
        for account, day, amount in cards.select("account", "business_date", "expected").rows()
    }


def test_days_of_both_accounts_use_up_one_quota(tmp_path: Path) -> None:
    found = expected(two_accounts(tmp_path))
    assert found == {  # of 18 payments on the first day, and 17 on the second
        (ONE, 18): 0,
        (OTHER, 18): 18 - 12,
        (ONE, 19): 17,
        (OTHER, 19): 17,
    }


def test_without_it_each_account_has_its_own(tmp_path: Path) -> None:
    found = expected(two_accounts(tmp_path, shared=False))
    assert found == {(ONE, 18): 0, (OTHER, 18): 0, (ONE, 19): 5, (OTHER, 19): 5}


def test_of_the_day_itself_only_the_account_before_is_counted() -> None:
    row = Tariff("cards", ONE, frozenset({"payment"}), "EUR", date(2026, 1, 1), free_count=3,
                 free_per="day")  # fmt: skip
    known = {"tariff": "cards", "component": "fee", "kind": "payment", "currency": "EUR"}
    days = [("2026-11-19", 5, "50"), ("2026-11-20", 2, "7.50"), ("2026-10-30", 4, "4")]
    fees = frame_of(
        DAY_FEES,
        (known | {"business_date": day, "line_count": n, "base": base} for day, n, base in days),
    )
    found = usage(fees, [row], date(2026, 11, 20))
    assert found.rows() == [
        ("cards", Decimal("7.5"), 2, Decimal("57.5"), 7, Decimal("61.5"), 11),
    ]
    assert found.columns == list(FEE_USAGE)


def test_of_the_other_account_only_the_rows_that_are_counted_with_it_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each account has one movement by either row; a day of the one before counts at once."""

    def fees(database: object, account: AccountSettings) -> pl.DataFrame:
        known = {"component": "fee", "kind": "payment", "line_count": 1, "base": "1"}
        known |= {"business_date": "2026-11-20"}
        return frame_of(DAY_COUNTS, (known | {"tariff": name} for name in ("shared", "own")))

    monkeypatch.setattr(fee_history, "_counted", fees)
    row = Tariff("own", OTHER, frozenset({"payment"}), "EUR", date(2026, 1, 1), free_count=3)
    rows = [row, replace(row, name="shared", counted_with=frozenset({ONE}))]
    account = replace(account_of("acquirer"), account=OTHER)
    for day, counts in ((20, {"shared": 1}), (21, {"shared": 2, "own": 1})):
        used = usage_before(cast(Database, None), account, rows, date(2026, 11, day))
        assert dict(used.select("tariff", "lifetime_count").iter_rows()) == counts


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            f"counted_with = ['{ONE}']",
            "",
            f"counted with account {OTHER}, which has no row of that",
        ),
        (
            'free_count = 30\nfree_per = "lifetime"',
            "",
            "says counted_with, and has no quota or tiers by month that are counted",
        ),
    ],
)
def test_a_quota_that_is_shared_with_nobody_is_refused(
    tmp_path: Path, old: str, new: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = two_accounts(tmp_path)
    path = place / "configs" / "fees" / "acquirer.toml"
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    assert invoke(["check", "--config", f"{place}/configs"]) == 2
    assert said in capsys.readouterr().err


def test_one_cascade_runs_the_days_of_both_in_the_order_they_count(tmp_path: Path) -> None:
    place = two_accounts(tmp_path, row=WELCOME)
    assert expected(place) == {(OTHER, 18): 18 - 12, (ONE, 19): 17, (OTHER, 19): 17}
    # Of the first account's first day eight payments are not understood any more, so that the
    # other's first day leaves two of the promotion for the first one's second day.
    (path,) = (place / "sample_statements" / "acquirer").glob(f"*{ONE}_20261118.csv")
    path.write_bytes(path.read_bytes().replace(b";Kauf;", b";Unbekannt;", 8))
    words = ("--config", f"{place}/configs", "--workspace", f"{place}/workspace")
    day = ("--date", "2026-11-18", "--account", ONE, "--cascade")
    assert invoke(["run", *day, *words]) == 3
    assert charged(place) == {(ONE, 19): 17 - 2, (OTHER, 19): 17}
