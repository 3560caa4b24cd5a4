"""The words people are told about a day in, English and Chinese; `sentences` has those they are in.

How the workbook's sheets and columns are called is in `reporting.text`.
"""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")
Phrases: TypeAlias = Mapping[str, tuple[str, str]]  # name: (English, Chinese)

_NARROW: Final = "…−–—─•"


def display_width(text: str) -> int:
    """The room a text takes, in narrow characters: a Chinese character takes two."""
    return sum(1 if ord(character) < 0x1100 or character in _NARROW else 2 for character in text)


def words(phrases: Phrases, language: Language) -> dict[str, str]:
    """One language of some phrases: {name: what is said}."""
    place = LANGUAGES.index(language)
    return {name: both[place] for name, both in phrases.items()}


KINDS: Final[Phrases] = {
    "payment": ("payment", "支付"),
    "refund": ("refund", "退款"),
    "refund_reversal": ("refund reversal", "退款撤销"),
    "chargeback": ("chargeback", "拒付"),
    "chargeback_reversal": ("chargeback reversal", "拒付撤销"),
    "payout": ("payout", "结算打款"),
    "payout_reversal": ("payout reversal", "结算打款退回"),
    "withdrawal": ("withdrawal", "提现"),
    "withdrawal_reversal": ("withdrawal reversal", "提现退回"),
    "fee": ("fee", "手续费"),
    "adjustment": ("adjustment", "调账"),
    "reserve_hold": ("reserve hold", "保证金冻结"),
    "reserve_release": ("reserve release", "保证金解冻"),
    "conversion": ("conversion", "货币兑换"),
    "transfer": ("transfer", "转账"),
    "top_up": ("top-up", "充值"),
}
STATUSES: Final[Phrases] = {
    "succeeded": ("succeeded", "成功"),
    "pending": ("pending", "处理中"),
    "failed": ("failed", "失败"),
    "reversed": ("reversed", "已撤销"),
}
FIELDS: Final[Phrases] = {
    "amount": ("amount", "金额"),
    "currency": ("currency", "币种"),
    "direction": ("direction", "收付方向"),
    "status": ("status", "状态"),
    "reference": ("reference", "单号"),
    "business_date": ("business date", "业务日期"),
    "exchange_rate": ("exchange rate", "汇率"),
}

# ------------------------------------------------------------------- why a day is not proved

REASONS: Final[Phrases] = {
    "not_yet": (
        "the {kind} statement is not delivered yet; {note}",
        "{kind} 对账单尚未送达；{note}",
    ),
    "missing": ("the {kind} statement is missing", "缺少 {kind} 对账单"),
    "unstated": (
        "{count} statement(s) do not state all their control totals",
        "{count} 份对账单未载明全部汇总数",
    ),
    "totals_off": ("{count} control total(s) do not tie", "{count} 项汇总数不符"),
    "rejects": ("{count} row(s) were not understood", "{count} 行无法识别"),
    "balance_gap": (
        "the opening balance is not what the statement before closed with ({currencies})",
        "期初余额与上一份对账单的期末余额不一致（{currencies}）",
    ),
    "proof_off": (
        "the settlement proof in {currencies} is not zero",
        "{currencies} 的结算平衡校验不为零",
    ),
    "nothing_to_prove": (
        "a settlement batch has neither balances nor control totals to prove it",
        "有结算批次既无余额也无汇总数可供校验",
    ),
    "unexplained_files": (
        "{count} statement(s) without a row, and neither control totals nor "
        'no_activity = "header_only" in the configuration say that nothing happened',
        '{count} 份对账单没有任何明细，而汇总数和配置 no_activity = "header_only" '
        "均未说明当日无业务",
    ),
}

# -------------------------------------------------------- why no statement is to be expected yet

NOTES: Final[Phrases] = {
    "holiday": ("{holiday} in the calendar {calendar}", "{calendar} 日历：{holiday}"),
    "weekday": ("no statement is expected for a {weekday}", "{weekday}不出对账单"),
    "later": ("it is expected by {when}", "预计于 {when} 前送达"),
    "quiet": ("the source was asked at {when} and had nothing", "已于 {when} 查询，来源无数据"),
}
WEEKDAYS: Final[Phrases] = {
    "0": ("Monday", "星期一"),
    "1": ("Tuesday", "星期二"),
    "2": ("Wednesday", "星期三"),
    "3": ("Thursday", "星期四"),
    "4": ("Friday", "星期五"),
    "5": ("Saturday", "星期六"),
    "6": ("Sunday", "星期日"),
}

# ---------------------------------------------------------------------------- what to do about it

ACTIONS: Final[Phrases] = {
    "missing_in_ledger": (
        "Find the order and book it, or ask the provider why it was paid.",
        "查找对应订单并补记账，或向渠道查询该笔款项来源。",
    ),
    "missing_in_provider": (
        "Check whether the payment failed; reverse the entry if it did.",
        "核查该笔支付是否失败；若失败则冲销账本记录。",
    ),
    "amount_mismatch": (
        "Compare with the order and book the difference.",
        "与订单核对，并对差额入账。",
    ),
    "currency_mismatch": ("Correct the entry's currency.", "更正账本记录的币种。"),
    "status_mismatch": (
        "Check the status at the provider and correct the entry.",
        "核对渠道侧状态，更正账本记录。",
    ),
    "direction_mismatch": (
        "Reverse the entry and book it with the other sign.",
        "冲销该记录，按相反方向重新入账。",
    ),
    "date_mismatch": (
        "Check the accounting period of the entry.",
        "核对该记录所属的会计期间。",
    ),
    "reference_mismatch": (
        "Check that both sides mean the same order, then correct the reference.",
        "确认双方为同一订单，再更正单号。",
    ),
    "duplicate_in_provider": (
        "Ask the provider whether the customer was charged twice; refund.",
        "向渠道核实是否重复扣款；如是则退款。",
    ),
    "duplicate_in_ledger": (
        "Reverse the entry that was booked twice.",
        "冲销重复入账的记录。",
    ),
    "ambiguous_match": (
        "Decide which belong together; nothing was paired.",
        "由人工判断对应关系；系统未作匹配。",
    ),
    "split_incomplete": (
        "Find the part that is missing, or book the gap.",
        "查找缺少的部分，或对缺口入账。",
    ),
    "over_refund": (
        "Stop further refunds of the payment and recover what was refunded too much.",
        "停止对该支付的继续退款，并追回多退金额。",
    ),
    "refund_unlinked": (
        "Find the payment that was refunded and book the refund against it.",
        "查找被退的原支付，并据此登记退款。",
    ),
    "chargeback_unrecorded": (
        "Book the chargeback and decide whether to contest it.",
        "登记该拒付，并决定是否申诉。",
    ),
    "payout_mismatch": (
        "Compare the payout with the credit; claim what the bank or provider kept.",
        "核对打款与到账金额；向银行或渠道追索被扣部分。",
    ),
    "payout_not_received": (
        "Ask the provider where the payout is, with its number.",
        "凭打款编号向渠道查询款项去向。",
    ),
    "unidentified_receipt": (
        "Find out who has paid and for what; book it, or return it.",
        "查明付款人和用途；入账或退回。",
    ),
    "fee_variance": (
        "Claim the difference from the provider, or correct the fee schedule.",
        "向渠道追索差额，或更正费率表。",
    ),
    "fee_data_missing": (
        "Ask the provider for the fee of this transaction.",
        "向渠道索取该笔交易的手续费数据。",
    ),
    "withdrawal_charge_variance": (
        "Claim the difference, or correct the withdrawal tariff.",
        "追索差额，或更正提现费率。",
    ),
    "fx_variance": (
        "Ask the provider for the rate it used; claim what goes beyond the agreed margin.",
        "向渠道索取所用汇率；对超出约定加点的部分提出追索。",
    ),
    "reserve_unexplained": (
        "Ask the provider which hold this belongs to and when the rest is released.",
        "向渠道查询该笔保证金对应的冻结，以及剩余部分的解冻时间。",
    ),
    "control_total_mismatch": (
        "Fetch the statement again: rows are missing or were changed.",
        "重新获取对账单：明细缺失或被改动。",
    ),
    "balance_mismatch": (
        "Look for a movement that no statement of the day shows.",
        "查找当日对账单均未列出的资金变动。",
    ),
    "file_missing": (
        "Fetch the statement; nothing can be proved without it.",
        "获取该对账单；缺少它则无法核对。",
    ),
    "file_duplicate": (
        "Nothing to correct here; ask the sender why the statement came twice.",
        "无需更正；向发送方查询为何重复送达。",
    ),
    "unmapped_row": (
        "Tell the engineers: the provider sends a code that is not mapped yet.",
        "通知工程师：渠道出现了尚未配置的代码。",
    ),
    "validation_failed": (
        "Look at the rejected row and ask the provider for a correct one.",
        "查看被拒收的行，并向渠道索取正确数据。",
    ),
}
