"""Every visible word of the workbooks, in English and Chinese, under its canonical name.

The closed vocabularies are here, names of sheets and columns in `titles`, the rest in `phrases`.
"""

from collections.abc import Mapping
from typing import Final

from recon import wording
from recon.reporting.phrases import PHRASES
from recon.reporting.titles import COLUMNS, HEADINGS, SHEETS, TABLES, Words
from recon.wording import words

__all__ = ["COLUMNS", "HEADINGS", "PHRASES", "SHEETS", "TABLES", "Words", "words"]

Language = wording.Language
LANGUAGES: Final = wording.LANGUAGES

FONTS: Final[Mapping[Language, str]] = {"en": "Calibri", "zh": "Microsoft YaHei"}
LINE_HEIGHTS: Final[Mapping[Language, float]] = {"en": 13.5, "zh": 16.5}  # points, at size 10
NOTHING: Final = "—"

TYPES: Final[Words] = {
    "missing_in_ledger": (
        "Missing in ledger",
        "账本缺失（长款：渠道有、账本无）",
    ),
    "missing_in_provider": (
        "Missing at provider",
        "渠道缺失（短款：账本有、渠道无）",
    ),
    "amount_mismatch": ("Amount differs", "金额不符"),
    "currency_mismatch": ("Currency differs", "币种不符"),
    "status_mismatch": ("Status differs", "状态不符"),
    "direction_mismatch": ("Direction differs", "收付方向不符"),
    "date_mismatch": ("Date differs", "日期不符"),
    "reference_mismatch": ("Reference differs", "单号不符"),
    "duplicate_in_provider": ("Duplicate at provider", "渠道重复"),
    "duplicate_in_ledger": ("Duplicate in ledger", "账本重复"),
    "ambiguous_match": ("Ambiguous match", "匹配不唯一"),
    "split_incomplete": ("Split incomplete", "拆分不完整"),
    "refund_unlinked": ("Refund without payment", "退款无原单"),
    "over_refund": ("Refunded too much", "超额退款"),
    "chargeback_unrecorded": ("Chargeback not recorded", "拒付未入账"),
    "fee_variance": ("Fee differs from tariff", "手续费与费率不符"),
    "fee_data_missing": ("Fee data missing", "缺少手续费数据"),
    "withdrawal_charge_variance": ("Withdrawal charge differs", "提现手续费不符"),
    "fx_variance": ("Exchange rate differs", "汇率差异"),
    "payout_mismatch": ("Payout differs", "结算打款不符"),
    "payout_not_received": ("Payout not received", "结算打款未到账"),
    "unidentified_receipt": ("Unidentified receipt", "不明到账"),
    "reserve_unexplained": ("Reserve unexplained", "保证金变动无法解释"),
    "control_total_mismatch": ("Control total differs", "汇总数不符"),
    "balance_mismatch": ("Balance differs", "余额不符"),
    "file_missing": ("Statement missing", "对账单缺失"),
    "file_duplicate": ("Statement delivered twice", "对账单重复"),
    "unmapped_row": ("Row of unknown kind", "未知类型的行"),
    "validation_failed": ("Row not valid", "校验未通过"),
}


def _capitalised(phrases: Words) -> Words:
    """As the beginning of a cell, not as a part of a sentence."""
    return {
        name: (english[:1].upper() + english[1:], zh) for name, (english, zh) in phrases.items()
    }


KINDS: Final[Words] = _capitalised(wording.KINDS)
STATUSES: Final[Words] = _capitalised(wording.STATUSES)

SEVERITIES: Final[Words] = {
    "high": ("High", "高"),
    "medium": ("Medium", "中"),
    "low": ("Low", "低"),
}
SIDES: Final[Words] = {
    "line": ("Provider", "渠道"),
    "entry": ("Ledger", "账本"),
    "payout": ("In transit", "在途"),
    "credit": ("Part of a payout, or perhaps one", "部分到账或待辨认的打款"),
    "due": ("Due by the cycle", "按周期应付"),
    "booking": ("To be booked", "待入账"),
}
STATES: Final[Words] = {"open": ("Open", "未达"), "overdue": ("Overdue", "已逾期")}
DUE_STATES: Final[Words] = {
    **STATES,
    "not_final": ("Not final: run its day again", "未确定：请重跑当日"),
}
CASE_STATES: Final[Words] = {
    "open": ("Open", "待处理"),
    "assigned": ("Assigned", "已分派"),
    "proposed": ("Proposed for write-off", "待批核销"),
    "resolved": ("Resolved", "已解决"),
    "written_off": ("Written off", "已核销"),
    "closed": ("Closed", "已关闭"),
}
BASES: Final[Words] = {
    "balance": ("Balances", "余额"),
    "control_total": ("Control totals", "汇总数"),
    "none": ("Nothing to prove it against", "无可核对依据"),
}
CONTROL_STATES: Final[Words] = {
    "agrees": ("Agrees", "相符"),
    "differs": ("Differs", "不符"),
    "unverified": ("Not stated", "未提供"),
}
COMPONENTS: Final[Words] = {
    "fee": ("Fee", "手续费"),
    "surcharge": ("Surcharge", "附加费"),
    "tax": ("Tax", "税"),
}
PARTIES: Final[Words] = {"provider": ("Providers", "渠道"), "bank": ("Banks", "银行")}
OUTCOMES: Final[Words] = {
    "matched": ("Matched", "已匹配"),
    "unmatched": ("Open or differs", "未达或有差异"),
}
CHANGES: Final[Words] = {
    "new": ("New", "新增"),
    "cleared": ("Cleared", "已消除"),
    "changed": ("Changed", "已变化"),
}
FIGURES: Final[Words] = {
    "payment_count": ("Payments", "支付笔数"),
    "gross": ("Gross payments", "支付总额"),
    "match_rate_by_count": ("Match rate by count", "匹配率（按笔数）"),
    "match_rate_by_value": ("Match rate by value", "匹配率（按金额）"),
    "success_rate": ("Success rate of payments", "支付成功率"),
    "refund_rate": ("Refund rate", "退款率"),
    "chargeback_rate": ("Chargeback rate", "拒付率"),
    "fee_rate": ("Fee rate", "手续费率"),
    "open_count": ("Open items", "未达账项数"),
    "open_amount": ("Open amount", "未达金额"),
    "oldest_age_days": ("Age of the oldest open item (days)", "最久未达账龄（天）"),
    "discrepancy_count": ("Discrepancies", "差异数"),
    "at_stake": ("At stake in discrepancies", "差异涉及金额"),
    "settlement_delay_days": ("Days from payout to bank", "打款到账天数"),
}
VERDICTS: Final[Words] = {
    "proved": ("proved", "已核对平衡"),
    "quiet": ("proved, no activity", "已核对平衡，无业务"),
    "not_proved": ("NOT PROVED", "未能核对平衡"),
    "stale": ("stale", "已过期"),
    "not_run": ("no", "未运行"),
    "never": ("never", "从未"),
    "late": ("{} late", "{} 逾期"),
    "agrees": ("✓", "✓"),
    "differs": ("differs", "不符"),
    "to_come": ("to come", "待送达"),
    "overdue": ("overdue", "已逾期"),
    "at_run": ("when the day is run", "运行当日时"),
}
ANSWERS: Final[Words] = {"yes": ("Yes", "是"), "no": ("No", "否")}


def phrase(name: str, language: Language) -> str:
    return PHRASES[name][LANGUAGES.index(language)]


def title(column: str, language: Language) -> str:
    return COLUMNS[column][LANGUAGES.index(language)]


def sheet(name: str, language: Language) -> str:
    return SHEETS[name][LANGUAGES.index(language)]
