"""What names a run: another name whenever anything is another one that the result follows from."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from recon.control_tables import WRITE_OFF
from recon.day import DayInput
from recon.fees.tables import FEE_USAGE
from recon.io.inputs import differing, run_id_of, run_inputs
from recon.providers import provider_named
from recon.settings import Expectation
from recon.settlement.continuity import CLOSED
from recon.settlement.reserve import RESERVE_DAY
from recon.tables import (
    EXCHANGE_RATE,
    LEDGER_ENTRY,
    OPEN_ITEM,
    PAYOUT,
    REJECT,
    Schema,
    conform,
    empty,
)
from tests.support import TODAY, account_of, shipped_config

DAY = DayInput(
    account=account_of("wechatpay"),
    provider=provider_named("wechatpay", shipped_config().providers),
    business_date=TODAY,
    statements=(),
    entries=empty(LEDGER_ENTRY).lazy(),
    entry_rejects=empty(REJECT),
    open_items=empty(OPEN_ITEM),
    payouts=empty(PAYOUT),
    rates=empty(EXCHANGE_RATE),
)


def a_row(schema: Schema) -> pl.DataFrame:
    return conform(pl.DataFrame({"any": [1]}), schema)


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        ("account", replace(DAY.account, fee_tolerance=Decimal(1)), "settings of the account"),
        ("entries", a_row(LEDGER_ENTRY).lazy(), "the ledger's entries"),
        ("entry_rejects", a_row(REJECT), "rejected rows of the ledger"),
        ("open_items", a_row(OPEN_ITEM), "the open items of the day before"),
        ("orders", a_row(LEDGER_ENTRY), "earlier payments of refunded orders"),
        ("payouts", a_row(PAYOUT), "the payouts on their way"),
        ("rates", a_row(EXCHANGE_RATE), "the exchange rates"),
        (
            "closed",
            pl.DataFrame([("CNY", TODAY, Decimal(1))], schema=dict(CLOSED), orient="row"),
            "the closing balance of the statement before",
        ),
        ("reserves", a_row(RESERVE_DAY), "what was held back before"),
        ("fee_usage", a_row(FEE_USAGE), "the turnover that fee tiers go by"),
        ("write_offs", a_row(WRITE_OFF), "what was written off"),
        ("given_up_items", a_row(OPEN_ITEM), "the lines and entries that were written off"),
        ("given_up_payouts", a_row(PAYOUT), "the payouts that were written off"),
        ("holidays", (TODAY,), "the holidays"),
        ("expected", Expectation("closed"), "the delivery calendar"),
        ("gaps", ("settlement 17",), "a statement of a series that has never come"),
    ],
)
def test_a_day_on_another_input_is_another_run_and_says_which(
    part: str, value: Any, said: str
) -> None:
    before = run_inputs(shipped_config(), DAY)
    after = run_inputs(shipped_config(), replace(DAY, **{part: value}))
    assert run_id_of(before) != run_id_of(after)
    [words] = differing(before, after)
    assert said in words


def test_a_day_on_the_same_inputs_is_the_same_run() -> None:
    assert run_id_of(run_inputs(shipped_config(), DAY)) == run_id_of(
        run_inputs(shipped_config(), replace(DAY, rates=empty(EXCHANGE_RATE)))
    )
