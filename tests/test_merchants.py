"""What merchants are owed: whose a line is, what is held back, and that no cent is lost."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.book_tables import MERCHANT_LINE, MERCHANT_SETTLEMENT
from recon.errors import BrokenInvariantError
from recon.fees.schedule import Tariff
from recon.merchants.lines import BankAccount, Merchant, merchant_lines, totals, with_fees
from recon.merchants.owed import settlements
from recon.merchants.pain001 import Payment, message_id
from recon.periods import Period
from recon.settlement.cycles import BusinessDays, Cycle
from recon.tables import MATCH, empty
from tests.support import frame_of, line, lines

PERIOD = Period(date(2026, 11, 18), date(2026, 11, 20))
SHOP = Merchant(
    merchant="SHOP",
    title="Shop",
    accounts=("1600000001",),
    bank_accounts=(BankAccount("CNY", "Shop", account_number="1"),),
    cycle=Cycle("T+1"),
)
OTHER = replace(SHOP, merchant="OTHER", accounts=("2",))
PERCENT = Tariff(
    name="1%",
    account="SHOP",
    kinds=frozenset({"payment"}),
    currency="CNY",
    effective_from=date(2026, 1, 1),
    percent=Decimal(1),
    on_refund="returned",
)
CHARGE = Tariff(
    name="payout 2.00",
    account="SHOP",
    kinds=frozenset({"withdrawal"}),
    currency="CNY",
    effective_from=date(2026, 1, 1),
    fixed=Decimal(2),
)


def sorted_out(
    *rows: dict[str, Any], owners: dict[str, str | None], merchants: tuple[Merchant, ...] = (SHOP,)
) -> pl.DataFrame:
    """MERCHANT_LINE of lines; one that has an `entry` is matched with it."""
    stated = [{k: v for k, v in row.items() if k != "entry"} for row in rows]
    pairs = [(f"L{n}", row["entry"]) for n, row in enumerate(rows) if "entry" in row]
    matches = frame_of(
        MATCH, ({"match_id": entry, "line_id": id_, "entry_id": entry} for id_, entry in pairs)
    )
    owned = pl.DataFrame(
        list(owners.items()), schema={"entry_id": pl.String, "merchant_id": pl.String}, orient="row"
    )
    made = lines(*(line(f"L{n}", **row) for n, row in enumerate(stated)))
    return merchant_lines(made.lazy(), matches.lazy(), owned, merchants)


def owed(
    *rows: dict[str, Any],
    merchant: Merchant = SHOP,
    tariffs: tuple[Tariff, ...] = (PERCENT,),
    earlier: tuple[dict[str, Any], ...] = (),
) -> pl.DataFrame:
    """MERCHANT_SETTLEMENT of lines that are all the merchant's."""
    proved = [row | {"entry": f"E{n}"} for n, row in enumerate(rows)]
    found = sorted_out(*proved, owners={f"E{n}": "SHOP" for n in range(len(rows))})
    his = with_fees(found, tariffs)
    before = frame_of(
        MERCHANT_SETTLEMENT, ({"merchant": "SHOP", "currency": "CNY", **row} for row in earlier)
    )
    return settlements(totals(his), his, before, merchant, tariffs, PERIOD, BusinessDays())


def test_a_line_is_the_merchants_when_a_match_ties_it_to_his_entry() -> None:
    found = sorted_out(
        {"entry": "mine"},
        {"entry": "another's"},
        {"entry": "nobody's"},
        {},
        {"kind": "payout", "gross": "-5"},
        owners={"mine": "SHOP", "another's": "BANK", "nobody's": None},
    )
    assert found.select("merchant", "state", "reason").rows() == [
        ("SHOP", "settled", None),
        (None, "ours", None),  # of no merchant we pay
        ("SHOP", "held_back", "no_merchant"),  # his account, but the ledger does not say so
        ("SHOP", "held_back", "no_match"),
        ("SHOP", "ours", None),
    ]


def test_what_may_be_of_two_merchants_is_given_to_neither() -> None:
    both = (SHOP, replace(OTHER, accounts=SHOP.accounts))
    assert sorted_out({}, owners={}, merchants=both).select("merchant", "state").row(0) == (
        None,
        "held_back",
    )


def test_a_row_that_the_statement_repeats_is_settled_once() -> None:
    twice = lines(line("L"), line("L"))
    matches = frame_of(MATCH, [{"match_id": "E", "line_id": "L", "entry_id": "E"}])
    owners = pl.DataFrame({"entry_id": ["E"], "merchant_id": ["SHOP"]})
    found = merchant_lines(twice.lazy(), matches.lazy(), owners, [SHOP])
    assert found.select("line_id", "state").rows() == [("L", "settled"), ("L#2", "held_back")]


def test_fees_are_by_his_own_tariff_and_what_no_row_covers_waits() -> None:
    found = with_fees(
        sorted_out(
            {"gross": "100", "fee": "9", "entry": "a"},
            {"kind": "refund", "gross": "-50", "entry": "b"},
            {"gross": "70", "currency": "USD", "entry": "c"},
            {"kind": "chargeback", "gross": "-8", "entry": "d"},
            owners=dict.fromkeys("abcd", "SHOP"),
        ),
        [PERCENT, replace(PERCENT, account="OTHER", percent=Decimal(50))],
    )
    assert found.select("fee", "tariff", "reason").rows() == [
        (Decimal(1), "1%", None),
        (Decimal("-0.50"), "1%", None),
        (None, None, "no_tariff"),
        (Decimal(0), None, None),
    ]


def test_tax_and_surcharges_are_part_of_what_a_line_and_a_payout_cost() -> None:
    taxed = replace(PERCENT, tax_percent=Decimal(6))
    extra = replace(PERCENT, name="extra", surcharge=True, percent=Decimal(0), fixed=Decimal(3))
    charge = replace(CHARGE, tax_percent=Decimal(10))
    row = owed({"gross": "100"}, tariffs=(taxed, extra, charge)).row(0, named=True)
    wanted = {"line_count": 1, "gross": 100, "fees": Decimal("4.06"), "owed": Decimal("95.94"),
              "withdrawal_charge": Decimal("2.20"), "payout": Decimal("93.74")}  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("merchant", "earlier", "expected"),
    [  # fees, reserve_held, reserve_released, owed, charge, payout, carried_forward
        (SHOP, {}, "1 0 0 79 2 77 0"),
        (replace(SHOP, minimum_payout={"CNY": Decimal(77)}), {}, "1 0 0 79 2 77 0"),
        (replace(SHOP, minimum_payout={"CNY": Decimal("77.01")}), {}, "1 0 0 79 0 0 79"),
        (replace(SHOP, reserve_percent=Decimal(10)), {}, "1 10 0 69 2 67 0"),
        (SHOP, {"carried_forward": "-90"}, "1 0 0 -11 0 0 -11"),
        (SHOP, {"carried_forward": "-78"}, "1 0 0 1 0 0 1"),  # less than the charge
        (replace(SHOP, reserve_days=2), {"reserve_held": "6"}, "1 0 6 85 2 83 0"),
        (replace(SHOP, reserve_days=9), {"reserve_held": "6"}, "1 0 0 79 2 77 0"),
        (replace(SHOP, bank_accounts=()), {}, "1 0 0 79 0 0 79"),
    ],
)
def test_from_what_was_carried_to_what_is_paid(
    merchant: Merchant, earlier: dict[str, Any], expected: str
) -> None:
    nothing = {"carried_forward": "0", "reserve_held": "0"}
    before = ({"first": "2026-11-17", "last": "2026-11-17", **nothing, **earlier},)
    (row,) = owed(
        {"gross": "100"},
        {"kind": "chargeback", "gross": "-20"},
        merchant=merchant,
        tariffs=(PERCENT, CHARGE),
        earlier=before if earlier else (),
    ).iter_rows(named=True)
    names = "fees reserve_held reserve_released owed withdrawal_charge payout carried_forward"
    assert [row[name] for name in names.split()] == [Decimal(text) for text in expected.split()]
    assert (row["pay_on"] == date(2026, 11, 23)) == (row["payout"] > 0)


def test_a_period_without_business_is_settled_too() -> None:
    assert owed().select("currency", "owed", "payout", "line_count").rows() == [("CNY", 0, 0, 0)]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["payment", "refund", "chargeback", "payout", "fee"]),
            st.sampled_from(["CNY", "USD"]),
            st.integers(-10_000, 10_000),
            st.sampled_from(["SHOP", "OTHER", "BANK", None, "unmatched"]),
        ),
        max_size=12,
    )
)
def test_not_a_cent_is_lost_between_lines_and_what_is_owed(rows: list[tuple[Any, ...]]) -> None:
    given_lines = [
        {"kind": kind, "currency": code, "gross": str(Decimal(cents).scaleb(-2))}
        | ({} if owner == "unmatched" else {"entry": f"E{n}"})
        for n, (kind, code, cents, owner) in enumerate(rows)
    ]
    owners = {f"E{n}": row[3] for n, row in enumerate(rows) if row[3] != "unmatched"}
    found = with_fees(sorted_out(*given_lines, owners=owners, merchants=(SHOP, OTHER)), [PERCENT])
    assert found.height == len(rows)
    for code in ("CNY", "USD"):
        here = found.filter(currency=code)
        of_merchants = totals(here)
        settled = sum(
            (of_merchants[name].sum() for name in ("gross", "refunds", "chargebacks")), Decimal(0)
        )
        unowned = here.filter(pl.col("merchant").is_null() & (pl.col("state") == "held_back"))
        ours = here.filter(state="ours")["gross"].sum()
        held = of_merchants["held_back"].sum() + unowned["gross"].sum()
        assert settled + held + ours == here["gross"].sum()
    his = found.filter(merchant="SHOP")
    made = settlements(
        totals(his), his, empty(MERCHANT_SETTLEMENT), SHOP, [PERCENT, CHARGE], PERIOD,
        BusinessDays(),
    )  # fmt: skip
    for row in made.iter_rows(named=True):
        earned = row["gross"] + row["refunds"] + row["chargebacks"] - row["fees"]
        assert row["payout"] + row["withdrawal_charge"] + row["carried_forward"] == earned
        assert row["payout"] >= 0


def test_the_same_settlement_has_the_same_number_and_another_line_another() -> None:
    one, again, other = (owed({"gross": amount}) for amount in ("100", "100", "99.99"))
    assert one.equals(again)
    assert one["settlement_id"][0] != other["settlement_id"][0]


def test_a_payment_with_more_decimals_than_its_currency_is_refused() -> None:
    account = BankAccount("CNY", "a", account_number="1")
    one = Payment("p", account, account, Decimal("1.005"), PERIOD.last, "r")
    with pytest.raises(BrokenInvariantError, match="cannot be paid"):
        _ = one.amount_text
    assert message_id([one]) != message_id([replace(one, amount=Decimal(1))])
    assert set(MERCHANT_LINE) >= {"merchant", "state", "reason"}
