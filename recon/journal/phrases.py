"""What the journal says of its transactions and why it proposes no entry, in two languages."""

from typing import Final

import polars as pl

from recon.discrepancies import filled, worded
from recon.wording import KINDS, LANGUAGES, Language, Phrases

MEMOS: Final[Phrases] = {
    "statement": ("{kind} by the statement", "对账单{kind}"),
    "ledger": ("{kind} by the ledger", "账本{kind}"),
    "tax": ("tax on fees of {kind}", "{kind}手续费税额"),
    "exchange": ("exchanged at another rate than the reference", "兑换汇率与参考汇率之差"),
    "tolerance": ("differences that a rule allows", "规则容差内的差额"),
    "difference": ("in discrepancies of the day", "当日差异"),
    "booking": ("booked on another day", "跨日入账"),
    "payout": ("paid out", "结算打款"),
    "receipt": ("payouts received", "打款到账"),
    "write_off": ("written off", "核销"),
    "opening": ("what was there before", "期初余额"),
}
BATCH: Final = (", batch {batch_id}", "，批次 {batch_id}")

WHY_NOT: Final[Phrases] = {
    "currency_mismatch": (
        "Correct the currency in the ledger; the next run posts what is right.",
        "更正账本中的币种；下次运行将正确入账。",
    ),
    "status_mismatch": ("No amount differs; correct the status.", "金额无差异；请更正状态。"),
    "date_mismatch": (
        "No amount differs; only the period may be wrong.",
        "金额无差异；仅会计期间可能有误。",
    ),
    "reference_mismatch": ("No amount differs; correct the reference.", "金额无差异；请更正单号。"),
    "duplicate_in_provider": (
        "Whether the customer paid twice is not known yet.",
        "尚不清楚客户是否重复付款。",
    ),
    "ambiguous_match": (
        "Which of the candidates belong together must be decided first.",
        "须先判断哪些候选记录相互对应。",
    ),
    "split_incomplete": (
        "Whether the missing part still comes must be decided first.",
        "须先判断缺少的部分是否仍会到达。",
    ),
    "over_refund": (
        "Whether it can be recovered from the customer must be decided first.",
        "须先判断能否向客户追回。",
    ),
    "fee_data_missing": ("What was charged is not known.", "实际收取的金额未知。"),
    "payout_mismatch": (
        "Where the difference is, or comes from, must be cleared up first.",
        "须先查明差额的去向或来源。",
    ),
    "payout_not_received": (
        "It stays in transit until the provider says where it is.",
        "在渠道说明去向之前保留为在途。",
    ),
    "reserve_unexplained": (
        "What the contract says must be cleared up with the provider first.",
        "须先与渠道核实合同约定。",
    ),
    "control_total_mismatch": (
        "The statement must be fetched again first.",
        "须先重新获取对账单。",
    ),
    "balance_mismatch": (
        "The movement that explains it must be found first.",
        "须先查明造成差额的资金变动。",
    ),
    "file_missing": ("The statement must be fetched first.", "须先获取对账单。"),
    "file_duplicate": (
        "Nothing is booked twice: the statement counts once.",
        "未重复入账：该对账单仅计一次。",
    ),
    "unmapped_row": ("The row must be understood first.", "须先识别该行。"),
    "validation_failed": ("The row must be understood first.", "须先识别该行。"),
}
UNSURE: Final = (
    "The amounts agree, or the movement's kind is unknown.",
    "金额相符，或该笔变动的类型未知。",
)


def memo(language: Language) -> pl.Expr:
    """What a transaction of POSTING is about, by its event, kind and batch."""
    place = LANGUAGES.index(language)
    kind = worded(pl.col("kind").fill_null(""), KINDS, language)
    said = [
        pl.when(event=event).then(filled(phrase[place], kind=kind))
        for event, phrase in MEMOS.items()
    ]
    batch = pl.when(pl.col("batch_id").is_not_null()).then(
        filled(BATCH[place], batch_id="batch_id")
    )
    return pl.concat_str(pl.coalesce(said), batch.fill_null(""))
