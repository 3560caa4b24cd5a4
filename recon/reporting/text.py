"""Every visible word of the workbooks, in English and Chinese, under its canonical name."""

from collections.abc import Mapping
from typing import Final, TypeAlias

from recon import wording

Language = wording.Language
LANGUAGES: Final = wording.LANGUAGES
Words: TypeAlias = wording.Phrases  # canonical name: (English, Chinese)

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
}
STATES: Final[Words] = {"open": ("Open", "未达"), "overdue": ("Overdue", "已逾期")}
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
ANSWERS: Final[Words] = {"yes": ("Yes", "是"), "no": ("No", "否")}

COLUMNS: Final[Words] = {
    "account": ("Account", "账户"),
    "adjustments": ("Adjustments", "调账"),
    "age_days": ("Age (days)", "账龄（天）"),
    "amount": ("Amount", "金额"),
    "amount_ledger": ("Ledger amount", "账本金额"),
    "amount_provider": ("Provider amount", "渠道金额"),
    "at_stake": ("At stake", "涉及差额"),
    "bank_credit": ("Bank credit", "银行到账"),
    "bank_fee": ("Bank charge", "银行手续费"),
    "base": ("Charged on", "计费金额"),
    "batch_id": ("Batch", "结算批次"),
    "business_date": ("Business date", "业务日期"),
    "chargebacks": ("Chargebacks", "拒付"),
    "charged": ("Charged", "实收费用"),
    "check": ("Check (must be 0)", "校验（应为 0）"),
    "cleared": ("Cleared", "已核销"),
    "closing": ("Closing", "期末"),
    "closing_balance": ("Closing balance", "期末余额"),
    "computed": ("Sum of the rows", "明细合计"),
    "credited": ("Credited", "到账金额"),
    "currency": ("Currency", "币种"),
    "difference": ("Difference (provider − ledger)", "差额（渠道 − 账本）"),
    "discrepancies": ("Discrepancies", "差异"),
    "discrepancy": ("Discrepancy", "差异"),
    "discrepancy_id": ("Discrepancy id", "差异编号"),
    "due_on": ("Due on", "到期日"),
    "earned": ("Net before payouts", "打款前净额"),
    "effective_rate": ("Effective rate", "实际费率"),
    "entry_ids": ("Ledger entry ids", "账本记录编号"),
    "expected": ("Expected", "应收费用"),
    "expected_payout": ("Expected payout", "应打款"),
    "explanation": ("Explanation", "说明"),
    "fees": ("Fees", "手续费"),
    "field": ("Field", "字段"),
    "file": ("File", "文件"),
    "file_kind": ("Statement", "对账单类型"),
    "first_seen_on": ("First seen", "首次发现"),
    "folder": ("Reports", "报告"),
    "gross": ("Gross payments", "支付总额"),
    "in_transit": ("In transit", "在途"),
    "input": ("Input", "输入"),
    "item_id": ("Item id", "记录编号"),
    "kind": ("Kind", "业务类型"),
    "line_count": ("Rows", "笔数"),
    "line_id": ("Line id", "明细编号"),
    "line_ids": ("Statement line ids", "渠道明细编号"),
    "line_no": ("Line", "行号"),
    "matched": ("Matched", "已匹配"),
    "merchant_ref": ("Merchant reference", "商户单号"),
    "mismatched_fields": ("What differs", "不符字段"),
    "name": ("Control total", "汇总项目"),
    "net": ("Net", "净额"),
    "net_check": ("Net − net of the lines (must be 0)", "净额 − 明细净额（应为 0）"),
    "net_of_lines": ("Net of the lines", "明细净额"),
    "new": ("New", "新增"),
    "occurred_at": ("Occurred at (UTC)", "发生时间（UTC）"),
    "open": ("Open", "未达"),
    "open_items": ("Open items", "未达账项"),
    "opening": ("Opening", "期初"),
    "opening_balance": ("Opening balance", "期初余额"),
    "other_count": ("Other rows", "其他笔数"),
    "paid_on": ("Paid out on", "打款日期"),
    "paid_out": ("Paid out, with charges", "打款（含手续费）"),
    "parent_ref": ("Original order", "原商户单号"),
    "parent_txn_id": ("Original transaction", "原渠道单号"),
    "payment_count": ("Payments", "支付笔数"),
    "payment_method": ("Payment method", "支付方式"),
    "payout_account": ("Paid out by account", "打款账户"),
    "payout_amount": ("Payout", "打款金额"),
    "payout_id": ("Payout id", "打款编号"),
    "payout_provider": ("Paid out by", "打款渠道"),
    "pays_into": ("To bank account", "收款银行账户"),
    "proof": ("Proof (must be 0)", "平衡校验（应为 0）"),
    "proof_basis": ("Proved against", "校验依据"),
    "proved": ("Proved", "已核对"),
    "provider": ("Provider", "渠道"),
    "provider_payout": ("Provider's payout", "渠道打款"),
    "reason": ("Reason", "原因"),
    "received_on": ("Arrived on", "到账日期"),
    "refund_count": ("Refunds", "退款笔数"),
    "refunds": ("Refunded", "退款总额"),
    "rejected": ("Rejected", "已拒收"),
    "reserve": ("Reserve", "保证金"),
    "row_count": ("Rows", "笔数"),
    "rule": ("Found by", "发现规则"),
    "run_id": ("Run", "运行编号"),
    "settlement_date": ("Settlement date", "结算日期"),
    "severity": ("Severity", "严重程度"),
    "sha256": ("SHA-256", "SHA-256"),
    "side": ("Side", "方向"),
    "state": ("State", "状态"),
    "stated": ("Stated", "对账单所载"),
    "stated_difference": ("Difference (sum − stated)", "差额（合计 − 所载）"),
    "status": ("Status", "交易状态"),
    "suggested_action": ("What to do", "处理建议"),
    "tariff": ("Tariff", "费率"),
    "txn_id": ("Transaction id", "渠道单号"),
    "type": ("Type", "差异类型"),
    "unmapped": ("Unknown code", "未知代码"),
    "value": ("Value", "值"),
    "variance": ("Variance (charged − expected)", "差异（实收 − 应收）"),
    "version": ("Version", "版本"),
    "withdrawal_charges": ("Withdrawal charges", "提现手续费"),
    "withdrawals": ("Withdrawals and payouts", "提现与打款"),
}

SHEETS: Final[Words] = {
    "summary": ("Summary", "汇总"),
    "discrepancies": ("Discrepancies", "差异明细"),
    "open_items": ("Open items", "未达账项"),
    "rejects": ("Rejected rows", "拒收行"),
    "settlement": ("Settlement", "结算"),
    "fees": ("Fees by tariff", "费率核对"),
    "withdrawals": ("Withdrawals", "提现"),
    "receipts": ("Payouts received", "打款到账"),
    "chain": ("To the bank", "打款至银行"),
    "proof": ("Proof", "平衡证明"),
    "days": ("Days", "逐日"),
}

PHRASES: Final[Words] = {
    "report_discrepancies": ("Reconciliation: discrepancies", "对账差异报告"),
    "report_settlement": ("Reconciliation: settlement", "结算核对报告"),
    "report_range": ("Reconciliation: summary", "对账汇总"),
    "page": ("Page {page} of {pages}", "第 {page} 页，共 {pages} 页"),
    "proved": ("PROVED", "已核对平衡"),
    "not_proved": ("NOT PROVED", "未能核对平衡"),
    "proved_because": (
        "Every statement is here and agrees with its own totals, and every row is accounted for. "
        "Discrepancies: {discrepancies}.",
        "对账单齐全且与其自身汇总相符，每一行均有去向。差异：{discrepancies} 项。",
    ),
    "key_figures": ("Key figures", "关键数字"),
    "high_severity": ("of which high severity", "其中：高"),
    "overdue": ("of which overdue", "其中：已逾期"),
    "matched_rate": ("Statement rows matched", "渠道明细匹配率"),
    "by_type": ("Discrepancies by type and currency", "按类型和币种的差异"),
    "by_currency": ("Total by currency", "按币种合计"),
    "all_types": ("All types", "全部类型"),
    "conservation_rows": ("Where every row went: rows", "每一行的去向：笔数"),
    "conservation_amounts": ("Where every row went: amounts", "每一行的去向：金额"),
    "controls": ("What the statements say about themselves", "对账单自身汇总核对"),
    "files": ("Statements used", "使用的对账单"),
    "roll_forward_rows": ("Roll-forward of open items: rows", "未达账项滚动：笔数"),
    "roll_forward_amounts": ("Roll-forward of open items: amounts", "未达账项滚动：金额"),
    "no_tariff": ("(no tariff row)", "（无适用费率）"),
    "field_sentence": ("{}: ledger {}, provider {}", "{}：账本 {}，渠道 {}"),
    "nothing": ("None", "无"),
    "in_transit": ("Still on their way", "在途打款"),
    "chain_batches": ("From the transactions to the payout", "从交易到打款"),
    "two_sides": ("Provider and ledger, side by side", "渠道与账本对照"),
    "provider_total": ("Provider: all lines", "渠道：全部明细"),
    "ledger_total": ("Ledger: all entries", "账本：全部记录"),
    "less_open": ("less open items", "减：未达账项"),
    "less_discrepancy": ("less in discrepancies", "减：差异"),
    "less_rejected": ("less rejected", "减：拒收"),
    "provider_matched": ("Provider: matched", "渠道：已匹配"),
    "ledger_matched": ("Ledger: matched", "账本：已匹配"),
    "left_in_matches": (
        "Left inside matches (allowed differences)",
        "匹配内余差（容差内）",
    ),
    "bridge": ("From opening to closing balance", "期初余额至期末余额"),
    "less": ("less", "减："),
    "net_movement": ("Net movement", "净变动"),
    "expected_closing": ("Expected closing balance", "应有期末余额"),
    "stated_closing": ("Stated closing balance", "对账单期末余额"),
    "bridge_difference": ("Difference (must be 0)", "差额（应为 0）"),
    "remainder": ("What is left, itemised", "剩余差额明细"),
    "all_proved": ("Nothing is left: every proof is 0", "无剩余差额：各项校验均为 0"),
    "remainder_is": ("Something is left: the items are below", "存在剩余差额：明细如下"),
    "not_provable": (
        "Not every batch can be proved: the statement gives nothing to prove it against",
        "部分批次无法校验：对账单未提供可核对依据",
    ),
    "days": ("Results", "结果数"),
    "difference_in": ("Difference {currency}", "差额 {currency}"),
    "at_stake_in": ("At stake {currency}", "涉及差额 {currency}"),
    "days_not_proved": ("of which not proved", "其中：未核对平衡"),
}


def words(group: Words, language: Language) -> dict[str, str]:
    """One language of a group: {canonical name: visible word}."""
    place = LANGUAGES.index(language)
    return {name: both[place] for name, both in group.items()}


def phrase(name: str, language: Language) -> str:
    return PHRASES[name][LANGUAGES.index(language)]


def title(column: str, language: Language) -> str:
    return COLUMNS[column][LANGUAGES.index(language)]


def sheet(name: str, language: Language) -> str:
    return SHEETS[name][LANGUAGES.index(language)]
