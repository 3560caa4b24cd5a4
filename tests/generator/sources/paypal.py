"""PayPal: three generated days."""

from collections.abc import Mapping
from typing import Final

from tests.generator.sources import SampleSet
from tests.generator.three_days import three_days

# One-sided ones are reported a day later, so those of the last day are open when the samples end.
_PLANTS: Final[tuple[Mapping[str, int], ...]] = (
    {},  # a day to be proved without a single difference
    {
        "missing_in_ledger": 2,
        "missing_in_provider": 2,
        "amount_mismatch": 1,
        "refund_unlinked": 1,
        "chargeback_unrecorded": 1,
        "reserve_unexplained": 1,
        "split_incomplete": 1,
        "fee_variance": 1,
    },
    {
        "missing_in_ledger": 1,
        "missing_in_provider": 1,
        "amount_mismatch": 2,
        "currency_mismatch": 1,
        "status_mismatch": 1,
        "direction_mismatch": 1,
        "reference_mismatch": 1,
        "duplicate_in_provider": 1,
        "duplicate_in_ledger": 1,
        "ambiguous_match": 1,
        "over_refund": 1,
        "fx_variance": 1,
        "fee_variance": 2,
        "withdrawal_charge_variance": 1,
    },
)


def samples() -> SampleSet:
    return three_days(
        "paypal", 84, _PLANTS, {"STL-*.CSV": "PayPal settlement reports, version 009"}
    )
