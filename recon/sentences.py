"""The sentences of discrepancies, in English and Chinese, each a template with named gaps.

Every language may order the gaps its own way. `discrepancies.told` fills them from the columns of a
frame; a test holds both languages to the same gaps.
"""

from typing import Final

from recon.wording import Phrases

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
    "line_of_an_attempt": (
        " The ledger has an attempt of it that is {status} ({item}).",
        "账本有一次状态为“{status}”的尝试（{item}）。",
    ),
    "entry_of_an_attempt": (
        " The provider has an attempt of it that is {status} ({item}).",
        "渠道有一次状态为“{status}”的尝试（{item}）。",
    ),
    "doubt": (
        " By the rule '{rule}' it has {count} candidate(s) that cannot be told apart "
        "({candidates}), so none was taken.",
        "按规则“{rule}”有 {count} 个无法区分的候选（{candidates}），因此未匹配任何一个。",
    ),
    "search_at_its_limit": (
        " The search for rows that add up to it by the rule '{rule}' ended at its limit: whether "
        "there are any is not known.",
        "按规则“{rule}”查找合计相等的组合已达上限：是否存在尚不可知。",
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
        "{reference} is {ledger} in the ledger ({entries} entered) and {provider} at the provider "
        "({lines} reported): the parts leave a gap of {difference} (provider - ledger).",
        "{reference} 在账本为 {ledger}（{entries} 笔），在渠道为 {provider}（{lines} 笔）："
        "各部分合计缺口 {difference}（渠道 − 账本）。",
    ),
    "over_refund": (
        "Order {reference} was paid with {paid}, and {returned} of it has been given back by "
        "refunds and chargebacks: {added} more today than was left.",
        "订单 {reference} 实付 {paid}，退款和拒付已共退回 {returned}：今日比剩余可退多退 {added}。",
    ),
    "reversal_unfounded": (
        "Of order {reference}, {back} has come back as {reversal}, but the ledger has only {taken} "
        "of {kind} booked: a {kind} of {added} was never booked.",
        "订单 {reference} 的{reversal}已返还 {back}，但账本仅登记了{kind} {taken}："
        "有 {added} 的{kind}从未入账。",
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
    "fx_incomplete": (
        "Of the conversion {reference} the statement has {amounts}, where one row out and one row "
        "in, in two currencies, belong together: its rate could not be compared. What is missing "
        "may be on the statement of another day.",
        "换汇 {reference} 在账单中只有 {amounts}，而应为两种币种的一出一入：无法核对其汇率。"
        "缺少的一笔可能在其他日期的账单中。",
    ),
    "was_written_off": (
        " The other side had it as {item}, which was written off: take the write-off back, and "
        "book nothing twice.",
        "另一方曾有此笔（{item}），已核销：请冲回核销，勿重复入账。",
    ),
    # -------------------------------------------------------------- payouts and the bank
    "payout_mismatch": (
        "{payer} paid out {sent} ({reference}), and {arrived} of it has arrived here.",
        "{payer} 打款 {sent}（{reference}），本账户实收 {arrived}。",
    ),
    "payout_told_again": (
        "The statement of {day} tells the payout {reference} again, which that of {first} has told "
        "already: it is one payout, and is awaited and posted once.",
        "{day} 的对账单再次列出打款 {reference}，而 {first} 的对账单已列出：为同一笔打款，"
        "只待收并入账一次。",
    ),
    "ask_which_statement_is_right": (
        "Ask the provider which of the two statements is right.",
        "向渠道核实哪一份对账单正确。",
    ),
    "payout_given_up": (
        "{amount} of the payout {reference} of {payer} has arrived here, after it was written off: "
        "take the write-off back in the books.",
        "{payer} 的打款 {reference} 在核销后到账 {amount}：请在账上冲回该核销。",
    ),
    "payout_not_received": (
        "{payer} paid out {sent} on {day} ({reference}), which has not arrived by {due}.",
        "{payer} 于 {day} 打款 {sent}（{reference}），截至 {due} 仍未到账。",
    ),
    "payout_due_unequal": (
        "{payer} had to pay {sent} on {day} by its settlement cycle ({arithmetic}), and {arrived} "
        "has arrived here.",
        "{payer} 按结算周期应于 {day} 打款 {sent}（{arithmetic}），本账户实收 {arrived}。",
    ),
    "payout_due_not_received": (
        "{payer} had to pay {sent} on {day} by its settlement cycle ({arithmetic}), which has not "
        "arrived by {due}.",
        "{payer} 按结算周期应于 {day} 打款 {sent}（{arithmetic}），截至 {due} 仍未到账。",
    ),
    "payout_due_early": (
        "{payer} has to pay {sent} on {day} by its settlement cycle ({arithmetic}), and it has "
        "arrived {days} day(s) early.",
        "{payer} 按结算周期应于 {day} 打款 {sent}（{arithmetic}），实际提前 {days} 天到账。",
    ),
    "payout_unequal": (
        "By the cycle {cycle}, {expected} was due on {day}: {arithmetic}. {paid} was paid out: a "
        "difference of {difference} (paid - due).",
        "按结算周期 {cycle}，{day} 应打款 {expected}：{arithmetic}。实际打款 {paid}，"
        "差额 {difference}（实付 − 应付）。",
    ),
    "payout_not_made": (
        "By the cycle {cycle}, {expected} was due on {day}: {arithmetic}. Nothing was paid out.",
        "按结算周期 {cycle}，{day} 应打款 {expected}：{arithmetic}。当日未打款。",
    ),
    "payout_unseen": (
        "By the cycle {cycle}, {expected} is due on {day}: {arithmetic}. No bank account is named "
        "for {currency} (pays_into), so nobody sees whether it arrives.",
        "按结算周期 {cycle}，{day} 应打款 {expected}：{arithmetic}。"
        "未配置 {currency} 的收款银行账户（pays_into），因此无法核对是否到账。",
    ),
    "payout_early": (
        "{paid} was paid out on {day}, although by the cycle {cycle} nothing is due before {next}: "
        "{arithmetic}.",
        "{day} 打款 {paid}，但按结算周期 {cycle}，{next} 之前没有应付款项：{arithmetic}。",
    ),
    "payout_of_nothing": (
        "{paid} was paid out on {day}, although by the cycle {cycle} nothing is due.",
        "{day} 打款 {paid}，但按结算周期 {cycle} 没有应付款项。",
    ),
    "payout_returned": (
        "Of what had been paid out, {returned} was returned on {day} and is due again; by the "
        "cycle {cycle} nothing was to be paid out that day.",
        "{day} 有 {returned} 的打款被退回，须重新支付；按结算周期 {cycle}，当日没有应付款项。",
    ),
    "payout_returned_and_due": (
        "By the cycle {cycle}, {expected} was due on {day}: {arithmetic}. Instead, {returned} of "
        "what had been paid out was returned: a difference of {difference} (paid - due).",
        "按结算周期 {cycle}，{day} 应打款 {expected}：{arithmetic}。当日反而有 {returned} 的打款"
        "被退回，差额 {difference}（实付 − 应付）。",
    ),
    "payout_came_short": (
        " The ledger has what {payer} paid out ({reference}), and not all of it has arrived.",
        "账本记的是 {payer} 的打款金额（{reference}），实际未全部到账。",
    ),
    "payout_by_amount": (
        " The credit names no payout; by amount and day it can only be a part of this one.",
        "该到账未注明打款编号；按金额和日期只可能属于此笔打款。",
    ),
    "payout_in_doubt": (
        " By the rule '{rule}', {credits} credit(s) ({candidates}) may be it, and {payouts} "
        "payout(s), this one among them, may have come as them: nothing tells them apart, so none "
        "was taken.",
        "按规则“{rule}”，{credits} 笔到账（{candidates}）可能即为该笔打款，而包括该笔在内有 "
        "{payouts} 笔打款可能以其到账：无法区分，因此均未匹配。",
    ),
    "payout_unsearched": (
        " A search for payouts and credits that add up to each other ended at its limit: whether "
        "it has arrived is not known.",
        "查找合计相等的打款与到账已达上限：是否已到账尚不可知。",
    ),
    "in_order_of_date": (
        "{rule}: {count} payouts of {amount} and {count} receipts, paired in order of date, since "
        "nothing tells them apart",
        "{rule}：{count} 笔 {amount} 的打款与 {count} 笔到账，无法区分，按日期先后配对",
    ),
    "unidentified_receipt": (
        "A credit of {amount} ({reference}) on {day} that neither the ledger nor a payout of a "
        "provider explains.",
        "{day} 到账 {amount}（{reference}），账本与各渠道打款均无法解释。",
    ),
    # -------------------------------------------------------------- fees and settlement
    "fee_variance": (
        "The fee on a {kind} of {amount} was {charged}, but by tariff {tariff} it is {expected}: "
        "{arithmetic}.",
        "{kind} {amount} 实收手续费 {charged}，按费率“{tariff}”应为 {expected}：{arithmetic}。",
    ),
    "charge_variance": (
        "The charge on a {kind} of {amount} was {charged}, but by tariff {tariff} it is "
        "{expected}: {arithmetic}.",
        "{kind} {amount} 实收提现费 {charged}，按费率“{tariff}”应为 {expected}：{arithmetic}。",
    ),
    "fee_data_missing": (
        "The fee on a {kind} of {amount} was not stated, but by tariff {tariff} it is {expected}: "
        "{arithmetic}.",
        "{kind} {amount} 的手续费未提供；按费率“{tariff}”应为 {expected}：{arithmetic}。",
    ),
    "fee_of_unknown_payment": (
        "The fee given back on a {kind} of {amount} cannot be checked: tariff {tariff} needs the "
        "payment it belongs to, which the ledger does not have.",
        "{kind} {amount} 退回的手续费无法核对：费率“{tariff}”需要原支付，而账本中没有。",
    ),
    "fee_of_batch": (
        "The fees of batch {batch} by tariff {tariff} ({kind}, {count} rows) add up to {charged}, "
        "but rounded once for the batch they are {expected}.",
        "批次 {batch} 按费率“{tariff}”的手续费（{kind}，{count} 笔）合计 {charged}，"
        "按批次一次取整应为 {expected}。",
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
    "not_booked": (
        "Lines and bookings of {number} are {amount} apart since {day}: the balance has not moved "
        "by what the statement tells, or has moved by what it does not tell.",
        "{number} 的明细与入账自 {day} 起相差 {amount}：明细未记入余额，或余额变动无对应明细。",
    ),
    "booked_before": (
        "Opening balance and the day's lines give {reached}, but the statement closes at {stated}: "
        "{difference} was booked for {count} movement(s) that no line of the day tells. It is the "
        "first day that is known; if they are of the day before, run that day as well.",
        "期初余额加当日明细为 {reached}，而对账单期末余额为 {stated}：其中 {difference} 为 "
        "{count} 笔当日无明细的入账。该日为首个已知日期；如属前一日交易，请一并运行前一日。",
    ),
    "balance_gap": (
        "The statement opens with {opening}, but that of {before} closed with {closing}: "
        "{difference} moved in between, and no statement shows it.",
        "对账单期初余额为 {opening}，而 {before} 的期末余额为 {closing}：其间变动 {difference}，"
        "未见于任何对账单。",
    ),
    "reserve_held": (
        "The provider held back {stated} of the day's payments; by the contract, {percent} percent "
        "for {days} day(s), it is {expected}.",
        "渠道当日冻结保证金 {stated}；按合同（{percent}%，{days} 天）应为 {expected}。",
    ),
    "reserve_released": (
        "The provider gave back {stated} of what it had held; by the contract, {percent} percent "
        "for {days} day(s), it is {expected}.",
        "渠道当日解冻保证金 {stated}；按合同（{percent}%，{days} 天）应为 {expected}。",
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
    "file_duplicate": (
        "{name} holds exactly the rows of {first}: it was left out, so that nothing counts twice.",
        "{name} 与 {first} 的明细完全相同：已将其排除，避免重复计算。",
    ),
    "row_rejected": (
        "Row {line_no} was not understood: {field} is {value} ({reason}).",
        "第 {line_no} 行无法识别：{field} 为 {value}（{reason}）。",
    ),
    "empty_value": ("empty", "空"),
}
