"""What people are told about a day, in English and Chinese: sentences, and the words in them.

A sentence is a template with named gaps, so that every language may order them its own way.
`discrepancies.told` fills them from the columns of a frame. A test holds both languages to the same
gaps. How the workbook's sheets and columns are called is in `reporting.text`.
"""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")
Phrases: TypeAlias = Mapping[str, tuple[str, str]]  # name: (English, Chinese)

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

# ------------------------------------------------------------------ one side does not have it

SENTENCES: Final[Phrases] = {
    "line_alone": (
        "The provider reports a {kind} of {amount} ({reference}) on {day} that the ledger does not "
        "have.",
        "渠道在 {day} 报告了一笔{kind} {amount}（{reference}），账本中没有。",
    ),
    "line_names_no_payment": (
        " It does not say which payment it gives back.",
        "该笔未注明所退的是哪一笔支付。",
    ),
    "line_gives_back": (" It gives back payment {parent}.", "原支付为 {parent}。"),
    "entry_alone": (
        "The ledger has a {kind} of {amount} ({reference}) of {day} that the provider has not "
        "reported by {due}.",
        "账本有一笔{kind} {amount}（{reference}，{day}），截至 {due} 渠道仍未报告。",
    ),
    "doubt": (
        " By the rule '{rule}' it has {count} candidate(s) that cannot be told apart "
        "({candidates}), so none was taken.",
        "按规则“{rule}”有 {count} 个无法区分的候选（{candidates}），因此未匹配任何一个。",
    ),
    "perhaps_entry": (
        " Perhaps it is the ledger's {item}, whose reference {reference} is {percent} percent "
        "alike.",
        "可能是账本的 {item}：其单号 {reference} 相似度为 {percent}%。",
    ),
    "perhaps_line": (
        " Perhaps it is the provider's {item}, whose reference {reference} is {percent} percent "
        "alike.",
        "可能是渠道的 {item}：其单号 {reference} 相似度为 {percent}%。",
    ),
    # -------------------------------------------------------------- both have it, and differ
    "amount_mismatch": (
        "The {kind} {reference} is {provider} at the provider and {ledger} in the ledger: a "
        "difference of {difference} (provider - ledger).",
        "{kind} {reference}：渠道 {provider}，账本 {ledger}，差额 {difference}（渠道 − 账本）。",
    ),
    "currency_mismatch": (
        "The {kind} {reference} is {provider} at the provider and {ledger} in the ledger: the "
        "currencies differ.",
        "{kind} {reference}：渠道 {provider}，账本 {ledger}，币种不同。",
    ),
    "direction_mismatch": (
        "The {kind} {reference} is {provider} at the provider and {ledger} in the ledger: one of "
        "the two has the wrong sign, which makes a difference of {difference} (provider - ledger).",
        "{kind} {reference}：渠道 {provider}，账本 {ledger}，收付方向相反，"
        "差额 {difference}（渠道 − 账本）。",
    ),
    "ledger_is_behind": (
        "The {kind} {reference} of {provider} is {provider_status} at the provider and still "
        "{ledger_status} in the ledger: the ledger has not followed.",
        "{kind} {reference}（{provider}）：渠道为“{provider_status}”，账本仍为"
        "“{ledger_status}”，账本尚未更新。",
    ),
    "ledger_is_ahead": (
        "The {kind} {reference} of {provider} is still {provider_status} at the provider and "
        "already {ledger_status} in the ledger: it was booked before it was final.",
        "{kind} {reference}（{provider}）：渠道仍为“{provider_status}”，账本已为"
        "“{ledger_status}”，入账早于渠道的最终结果。",
    ),
    "statuses_contradict": (
        "The {kind} {reference} of {provider} is {provider_status} at the provider and "
        "{ledger_status} in the ledger: neither can become the other, so one of them is wrong.",
        "{kind} {reference}（{provider}）：渠道为“{provider_status}”，账本为"
        "“{ledger_status}”，两者不可能互相演变，其中必有一方有误。",
    ),
    "reference_mismatch": (
        "The {kind} of {provider} has the reference {provider_reference} at the provider and "
        "{ledger_reference} in the ledger.",
        "{kind} {provider}：渠道单号为 {provider_reference}，账本单号为 {ledger_reference}。",
    ),
    "date_mismatch": (
        "The {kind} {reference} of {provider} is dated {provider_day} by the provider and "
        "{ledger_day} by the ledger: {days} day(s) apart.",
        "{kind} {reference}（{provider}）：渠道日期 {provider_day}，账本日期 {ledger_day}，"
        "相差 {days} 天。",
    ),
    "also_differs": (" Also: {fields}.", "另有不符：{fields}。"),
    "field": (
        "{field}: ledger {ledger}, provider {provider}",
        "{field}：账本 {ledger}，渠道 {provider}",
    ),
    # -------------------------------------------------------------- several rows share a key
    "duplicate_in_provider": (
        "The provider has {reference} {lines} times, {provider} in all, and the ledger {entries} "
        "time(s), {ledger} in all: the provider repeats it.",
        "渠道有 {lines} 笔 {reference}，合计 {provider}；账本有 {entries} 笔，合计 {ledger}："
        "渠道重复。",
    ),
    "duplicate_in_ledger": (
        "The ledger has {reference} {entries} times, {ledger} in all, and the provider {lines} "
        "time(s), {provider} in all: the ledger repeats it.",
        "账本有 {entries} 笔 {reference}，合计 {ledger}；渠道有 {lines} 笔，合计 {provider}："
        "账本重复。",
    ),
    "ambiguous_match": (
        "{reference} has {lines} line(s) at the provider, {provider} in all, and {entries} in the "
        "ledger, {ledger} in all: equally good candidates, so none was paired.",
        "{reference} 在渠道有 {lines} 笔，合计 {provider}；在账本有 {entries} 笔，合计 {ledger}："
        "候选无法区分，因此均未匹配。",
    ),
    "split_incomplete": (
        "{reference} is {ledger} in the ledger ({entries} entries) and {provider} at the provider "
        "({lines} lines): the parts leave a gap of {difference} (provider - ledger).",
        "{reference} 在账本为 {ledger}（{entries} 笔），在渠道为 {provider}（{lines} 笔）："
        "各部分合计缺口 {difference}（渠道 − 账本）。",
    ),
    "over_refund": (
        "Order {reference} was paid with {paid}, and {returned} of it has been given back by "
        "refunds and chargebacks: {added} more today than was left.",
        "订单 {reference} 实付 {paid}，退款和拒付已共退回 {returned}：今日比剩余可退多退 {added}。",
    ),
    # -------------------------------------------------------------- exchange rates
    "fx_variance": (
        "In this {kind} {given} became {got}, at a rate of {rate}. The reference rate of "
        "{quoted_on} is {reference}, which gives {expected}: {difference} or {percent} percent "
        "apart, and {tolerance} percent are allowed.",
        "本笔{kind}由 {given} 兑换为 {got}，汇率 {rate}；{quoted_on} 参考汇率为 {reference}，"
        "应得 {expected}：相差 {difference}，即 {percent}%，允许 {tolerance}%。",
    ),
    "fx_unrated": (
        "{count} exchange(s) from {given_currency} to {currency} on {day} could not be compared: "
        "the reference rates have none for them of the last {age} days.",
        "{day} 有 {count} 笔 {given_currency} 兑 {currency} 无法核对：参考汇率文件中没有最近 "
        "{age} 天内的汇率。",
    ),
    # -------------------------------------------------------------- payouts and the bank
    "payout_mismatch": (
        "{payer} paid out {sent} ({reference}), and {arrived} of it has arrived here.",
        "{payer} 打款 {sent}（{reference}），本账户实收 {arrived}。",
    ),
    "payout_not_received": (
        "{payer} paid out {sent} on {day} ({reference}), which has not arrived by {due}.",
        "{payer} 于 {day} 打款 {sent}（{reference}），截至 {due} 仍未到账。",
    ),
    "payout_in_doubt": (
        " These credits may be it and cannot be told apart: {candidates}.",
        "以下到账可能即为该笔打款，但无法区分：{candidates}。",
    ),
    "unidentified_receipt": (
        "A credit of {amount} ({reference}) on {day} that neither the ledger nor a payout of a "
        "provider explains.",
        "{day} 到账 {amount}（{reference}），账本与各渠道打款均无法解释。",
    ),
    # -------------------------------------------------------------- fees and settlement
    "fee_variance": (
        "The fee on a {kind} of {base} was {charged}, but by tariff {tariff} it is {expected}.",
        "{kind} {base} 实收手续费 {charged}，按费率“{tariff}”应为 {expected}。",
    ),
    "charge_variance": (
        "The charge on a {kind} of {base} was {charged}, but by tariff {tariff} it is {expected}.",
        "{kind} {base} 实收提现费 {charged}，按费率“{tariff}”应为 {expected}。",
    ),
    "fee_data_missing": (
        "The fee on a {kind} of {base} was not stated, but by tariff {tariff} it is {expected}.",
        "{kind} {base} 的手续费未提供；按费率“{tariff}”应为 {expected}。",
    ),
    "fee_without_tariff": (
        "A fee of {charged} was charged on a {kind} that no row of the fee schedule covers.",
        "{kind}被收取费用 {charged}，但费率表中没有适用的条目。",
    ),
    "balance_mismatch": (
        "Opening balance and the day's lines give {reached}, but the statement closes at {stated}: "
        "{difference} cannot be explained by any line.",
        "期初余额加当日明细为 {reached}，而对账单期末余额为 {stated}：{difference} 无明细可解释。",
    ),
    # -------------------------------------------------------------- statements and their rows
    "control_totals_off": (
        "The statement does not add up to what it says about itself ({totals}).",
        "对账单明细与其自身汇总不符（{totals}）。",
    ),
    "total_off": (
        "{name}: stated {stated}, rows give {computed}",
        "{name}：所载 {stated}，明细合计 {computed}",
    ),
    "total_unstated": ("{name} is not stated", "未载明 {name}"),
    "file_missing": (
        "The {kind} statement of {day} has not been delivered.",
        "{day} 的 {kind} 对账单尚未送达。",
    ),
    "row_rejected": (
        "Row {line_no} was not understood: {field} is {value} ({reason}).",
        "第 {line_no} 行无法识别：{field} 为 {value}（{reason}）。",
    ),
    "empty_value": ("empty", "空"),
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
