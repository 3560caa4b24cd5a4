"""The words in the arithmetic of a fee, in English and Chinese; figures need none."""

from typing import Final

from recon.wording import Phrases

ROUNDINGS: Final[Phrases] = {
    "half_up": ("half up", "四舍五入"),
    "half_down": ("half down", "五舍六入"),
    "half_even": ("half even", "四舍六入五成双"),
    "up": ("up", "进位"),
    "down": ("down", "舍去"),
    "ceiling": ("ceiling", "向上取整"),
    "floor": ("floor", "向下取整"),
}

ARITHMETIC: Final[Phrases] = {
    "no_row": ("no row of the fee schedule covers it", "费率表中没有适用的条目"),
    "tax": ("tax {base} x {percent}", "税 {base} x {percent}"),
    "rounded": ("{sum}, {mode} {amount}", "{sum}，{mode}得 {amount}"),
    "at_least": ("{sum}, at least {limit}", "{sum}，最低 {limit}"),
    "at_most": ("{sum}, at most {limit}", "{sum}，最高 {limit}"),
    "free_below": ("nothing below {limit}", "低于 {limit} 免收"),
    "fixed": ("fixed", "固定"),
    "free": ("free", "免收"),
    "part_free": ("({amount} - {part} free)", "({amount} - 免费 {part})"),
    "up_to": ("{amount} x {rate} (up to {edge}{before})", "{amount} x {rate}（至 {edge}{before}）"),
    "above": (
        "{amount} x {rate} (above {edge}{before})",
        "{amount} x {rate}（超过 {edge}{before}）",
    ),
    "after_amount": (", {used} before it in the month", "，当月此前 {used}"),
    "after_count": (", number {number} of the month", "，当月第 {number} 笔"),
    "count_free": (
        "number {number} of {quota} free ones",
        "免费 {quota} 笔中的第 {number} 笔",
    ),
    "amount_free": (
        "all free: {used} of {quota} was used before it",
        "全部免费：此前已用 {used}，额度 {quota}",
    ),
    "kept": ("the fee is kept, nothing comes back", "手续费不退"),
    "returned": ("comes back: {sum} = {back}", "退回：{sum} = {back}"),
    "returned_part": (
        "comes back: fee {fee} x {base} / {original} = {back}",
        "退回：手续费 {fee} x {base} / {original} = {back}",
    ),
    "recomputed": (
        "comes back: fee of {before} less fee of {after} = {back}",
        "退回：{before} 的手续费减 {after} 的手续费 = {back}",
    ),
    "unknown_payment": ("the payment it belongs to is not known", "原支付未知"),
    "on_top": ("{sum}; surcharges and tax {amount}", "{sum}；附加费及税 {amount}"),
}
