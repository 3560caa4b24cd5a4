"""WeChat Pay: three generated days."""

from collections.abc import Mapping
from typing import Final

from tests.generator.sources import SampleSet
from tests.generator.three_days import three_days

# One-sided ones are reported a day later, so those of the last day are open when the samples end.
_PLANTS: Final[tuple[Mapping[str, int], ...]] = (
    {
        "missing_in_ledger": 1,
        "missing_in_provider": 1,
        "amount_mismatch": 1,
        "fee_variance": 1,
    },
    {
        "missing_in_ledger": 2,
        "missing_in_provider": 2,
        "status_mismatch": 1,
        "duplicate_in_provider": 1,
        "split_incomplete": 1,
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
        "fee_variance": 2,
        "unmapped_row": 1,
    },
)


def samples() -> SampleSet:
    return three_days(
        "wechatpay",
        96,
        _PLANTS,
        {
            "*_trade_all_*.csv": "WeChat Pay trade bills (交易账单, ALL) of API v3",
            "*_fund_flow_*.csv": "WeChat Pay fund-flow bills (资金账单) of the same days",
        },
    )
