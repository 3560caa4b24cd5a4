"""Days of a provider and of the bank its payouts go to, run in memory as `io` runs them."""

from dataclasses import replace
from datetime import date

import polars as pl

from recon.day import Policy
from recon.results import DayResult
from recon.tables import OPEN_ITEM, PAYOUT, empty
from tests.generator import transit
from tests.generator.transit import TransitDays
from tests.support import account_of, run_files, shipped_config


def fees_come_back() -> Policy:
    """The shipped policy, but that Adyen gives the whole fee of a refunded payment back."""
    policy = shipped_config().policy
    back = [
        replace(row, on_refund="returned_with_fixed") if row.account == transit.ADYEN else row
        for row in policy.tariffs
    ]
    return replace(policy, tariffs=tuple(back))


def found_in_transit(made: TransitDays) -> pl.DataFrame:
    """The discrepancies of all days of both accounts."""
    provider = account_of("adyen", payout_window_days=transit.PAYOUT_WINDOW_DAYS)
    bank, policy = account_of("bank"), fees_come_back()
    found, sent = list[pl.DataFrame](), empty(PAYOUT)
    done: set[str] = set()  # payouts that have arrived, or were told as payout_mismatch
    left = {"adyen": empty(OPEN_ITEM), "bank": empty(OPEN_ITEM)}
    for day, files in made.bank_files.items():
        if day in made.provider_files:
            one = run_files(
                provider, day, made.provider_files[day], made.ledgers["adyen"],
                open_items=left["adyen"], policy=policy,
            )  # fmt: skip
            left["adyen"] = one.open_items
            sent = pl.concat([sent, one.payouts])
            found.append(one.discrepancies)
        on_their_way = sent.filter(~pl.col("payout_id").is_in(sorted(done)))
        other = run_files(
            bank, day, files, made.ledgers["bank"],
            open_items=left["bank"], policy=policy, payouts=on_their_way,
        )  # fmt: skip
        left["bank"] = other.open_items
        done |= _done(other)
        found.append(other.discrepancies)
    return pl.concat(found)


def _done(result: DayResult) -> set[str]:
    short = result.discrepancies.filter(type="payout_mismatch")["discrepancy_id"]
    told = set(short.str.strip_prefix("receipt:")) - set(result.open_items["item_id"])
    return {*result.receipts["payout_id"], *told}


def first_day() -> date:
    return date(2026, 11, 16)
