"""In Chinese: why a row of a statement was refused, what its totals and our rules are called.

Providers say both in English, beside what the vendor itself calls a thing, which stays as it is.
What has no Chinese here stays English; a test sees to it that every reason of the providers has.
"""

import re
from typing import Final

import polars as pl

from recon.wording import Language

REASONS: Final[dict[str, str]] = {
    "amount less settlement is not the fee": "金额减结算额不等于手续费",
    "an abbreviation of no time zone we know": "无法识别的时区缩写",
    "captured x rate is not payable + fees (captured, rate, payable + fees)": (
        "请款金额 × 汇率不等于应付金额 + 手续费（请款金额、汇率、应付金额 + 手续费）"
    ),
    "empty": "为空",
    "no CH line above the row says what its cells mean": "该行之前没有说明单元格含义的 CH 行",
    "the first cell is no record type of this report": "首个单元格不是本报告的记录类型",
    "this entry_id is on several rows with different contents; none of them is taken": (
        "该 entry_id 出现在内容不同的多行上；均未采用"
    ),
    "gross x rate is not net + fees (gross, rate, net + fees)": (
        "总额 × 汇率不等于净额 + 手续费（总额、汇率、净额 + 手续费）"
    ),
    "neither CR nor DR": "既非 CR 也非 DR",
    "neither from this wallet nor to it, or an unknown direction": (
        "既非转出也非转入本钱包，或方向未知"
    ),
    "net is not amount less fee": "净额不等于金额减手续费",
    "net is not gross less fee": "净额不等于总额减手续费",
    "no booking date": "没有入账日期",
    "no known event code for this direction (CR is to us, DR from us)": (
        "该方向没有已知的事件代码（CR 为收入，DR 为支出）"
    ),
    "no rule of the configuration names this kind of row": "配置中没有适用于此类行的规则",
    "no such status in the configuration": "配置中没有此状态",
    "not S, P, D or V": "不是 S、P、D 或 V",
    "not a currency code we know": "未知的币种代码",
    "not a currency of this bill": "不是本账单的币种",
    "not a currency we know": "未知的币种",
    "not a currency, or an amount has more decimals than it has": (
        "不是币种，或金额的小数位多于该币种"
    ),
    "not a currency, or the amount has more decimals than it has": (
        "不是币种，或该金额的小数位多于该币种"
    ),
    "not a currency, or the net amount or the fees have more decimals than it has": (
        "不是币种，或净额、手续费的小数位多于该币种"
    ),
    "not a currency, or the payable amount or the fees have more decimals than it has": (
        "不是币种，或应付金额、手续费的小数位多于该币种"
    ),
    "not a number": "不是数字",
    "not a time": "不是时间",
    "not a token we know, or the amount has more decimals than it has": (
        "未知的代币，或金额的小数位多于该代币"
    ),
    "not a whole number": "不是整数",
    "not amount less fee": "不等于金额减手续费",
    "not an amount": "不是金额",
    "not an amount of this currency": "不是该币种的金额",
    "not an amount with at most two decimals": "不是至多两位小数的金额",
    "not an exact amount": "不是精确的金额",
    "not an exact fee": "不是精确的手续费",
    "not an unsigned whole number of hundredths": "不是以百分之一计的无符号整数",
    "more decimals than the currency has": "小数位多于该币种",
    "not the currency of the gross amount": "不是总额的币种",
    "the parts of the fee do not add up to it": "手续费各部分之和不等于手续费",
    "too few or too many cells": "单元格过少或过多",
    "unknown": "未知",
    "unknown category": "未知的类别",
    "unknown currency": "未知的币种代号",
    "unknown direction": "未知的收支方向",
    "unknown record": "未知的记录",
    "unknown state of a refund": "未知的退款状态",
    "unknown state of a trade": "未知的交易状态",
    "unknown status": "未知的状态",
    "unknown type": "未知的类型",
    "unknown type code": "未知的类型代码",
    "unknown type of movement": "未知的资金变动类型",
    "unknown type of row": "未知的行类型",
}

# Those that end in a space are followed by a number.
TOTALS: Final[dict[str, str]] = {
    "statement closing balance": "对账单期末余额",
    "statement entries": "对账单笔数",
    "report ending available balance": "报告期末可用余额",
    "ending available balance": "期末可用余额",
    "report gross credits": "报告总额贷方",
    "report gross debits": "报告总额借方",
    "report fee credits": "报告手续费贷方",
    "report fee debits": "报告手续费借方",
    "report row count": "报告行数",
    "section row count": "分段行数",
    "file row count": "文件行数",
    "gross credits": "总额贷方",
    "gross debits": "总额借方",
    "fee credits": "手续费贷方",
    "fee debits": "手续费借方",
    "closing balance": "期末余额",
    "net of batch ": "批次净额 ",
    "payout ": "打款 ",
    "rows": "行数",
}


# Reasons with a gap, in whose place the Chinese has a figure or a name.
COMPOSED: Final[dict[str, str]] = {
    "not a date like {}": "不是形如 {} 的日期",
    "not account {}": "不属于账户 {}",
    "not dated {}": "日期不是 {}",
    "the row has {} cells, its CH line names {}": "该行有 {} 个单元格，其 CH 行列出 {} 个",
    "the quotes do not pair; {} line(s) from here cannot be told apart": (
        "引号不成对；自此起 {} 行无法区分"
    ),
}
# What is wrong with a field of a ledger entry, after its name; of several each is said.
OF_ENTRIES: Final[dict[str, str]] = {
    " is empty; every entry needs one": " 为空；每笔分录都必须填写",
    " is not a date; write it as YYYY-MM-DD": " 不是日期；应写为 YYYY-MM-DD",
    " is not an instant; write 2026-11-20T10:00:00+08:00": (
        " 不是时间；应写为 2026-11-20T10:00:00+08:00"
    ),
    " is not one of ": " 不属于 ",
    " is not a currency code known here; write it like CNY": " 不是已知的币种代码；应写为 CNY 等",
    " is not a plain decimal number; write it like -1234.50": " 不是十进制数；应写为 -1234.50 等",
    " has more decimals than its currency allows": " 的小数位多于该币种",
    " has a NUL character in it": " 含有 NUL 字符",
}

# The rules the shipped configuration names; one of your own keeps its name.
RULES: Final[dict[str, str]] = {
    "amount and day": "金额与日期",
    "dispute of a payment": "支付的拒付",
    "merchant reference": "商户单号",
    "order paid in parts": "订单分次支付",
    "payout number": "打款编号",
    "provider transaction id": "渠道交易号",
    "refund of a payment": "支付的退款",
    "several payouts in one credit": "多笔打款合并到账",
    "nearly the amount, and day": "金额相近且日期相符",
}


def rule_in(rule: pl.Expr, language: Language) -> pl.Expr:
    """By which rule rows were found to belong together."""
    return rule if language == "en" else rule.replace(RULES)


def reason_in(reason: pl.Expr, language: Language) -> pl.Expr:
    """Why a row was refused."""
    if language == "en":
        return reason
    said = reason.replace(REASONS)
    for template, chinese in COMPOSED.items():
        pattern = "(.+)".join(re.escape(part) for part in template.split("{}"))
        places = (f"${{{place}}}" for place in range(1, template.count("{}") + 1))
        said = said.str.replace(f"^{pattern}$", chinese.format(*places))
    return said.str.replace_many(OF_ENTRIES)


def total_in(name: pl.Expr, language: Language) -> pl.Expr:
    """What a control total is called."""
    if language == "en":
        return name
    said = [
        pl.when(name.str.starts_with(english) if english.endswith(" ") else name == english).then(
            pl.lit(chinese) + name.str.strip_prefix(english)
        )
        for english, chinese in TOTALS.items()
    ]
    return pl.coalesce(*said, name)
