"""A first description of a source without code, from one of its files; a person completes it.

Columns are told by their names, and, where several would do, by what is in them.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from recon.io.draft_table import FoundTable, find, quoted
from recon.money import EXPONENT

# What columns are called, in lower case; the first of them that a header has is taken.
_WORDS: Final = {
    "date": (
        "交易日期",
        "记账日期",
        "日期",
        "交易时间",
        "booking date",
        "date",
        "datum",
        "created",
    ),
    "time": ("时间", "time", "uhrzeit"),
    "currency": ("币种", "货币", "currency", "währung", "ccy"),
    "income": ("收入", "贷方", "credit", "haben", "income", "paid in"),
    "expense": ("支出", "借方", "debit", "soll", "expense", "paid out"),
    "amount": ("交易金额", "金额", "amount", "betrag", "gross", "net"),
    "fee": ("手续费", "服务费", "fee", "entgelt", "gebühr"),
    "balance": ("余额", "balance", "saldo"),
    "txn_id": ("流水号", "交易号", "单号", "transaction id", "transaktion", "txn", "id"),
    "merchant_ref": ("商户单号", "订单号", "reference", "referenz", "order"),
    "kind": ("交易类型", "摘要", "类型", "type", "vorgang", "kind", "category"),
    "status": ("状态", "status", "state"),
    "direction": ("收支", "借贷", "s/h", "dr/cr", "direction", "side", "d/c"),
    "description": (
        "对方户名",
        "对手信息",
        "备注",
        "description",
        "text",
        "counterparty",
        "details",
    ),
}
_CURRENCIES: Final = {"人民币": "CNY", "美元": "USD", "欧元": "EUR", "港币": "HKD", "日元": "JPY"}
# (words for what comes, words for what goes) of a column that tells the direction.
_DIRECTIONS: Final = (
    ("H", "S"), ("C", "D"), ("CR", "DR"), ("贷", "借"), ("收入", "支出"), ("收", "支"),
    ("credit", "debit"), ("in", "out"), ("+", "-"),
)  # fmt: skip
# What the word of a movement holds -> kind; the first that fits.
_KINDS: Final = {
    "refund": ("退款", "refund", "gutschrift", "return"),
    "chargeback": ("拒付", "chargeback", "dispute", "rücklast"),
    "fee": ("手续费", "服务费", "fee", "charge", "entgelt", "gebühr"),
    "payout": ("payout", "settlement", "auszahlung", "结算"),
    "withdrawal": ("提现", "withdraw"),
    "top_up": ("充值", "top-up", "top up"),
    "payment": ("消费", "支付", "收款", "payment", "sale", "kauf", "purchase", "verkauf"),
}
_STATUSES: Final = {
    "succeeded": ("成功", "success", "complete", "settled", "paid", "erfolg", "booked"),
    "pending": ("处理中", "pending", "processing", "offen"),
    "failed": ("失败", "fail", "declined", "fehl", "cancel"),
}
_ACCOUNT: Final = re.compile(
    r"^(.*?(?:卡号|账号|账户|account(?: number| no\.?)?|iban|vertragsnummer|konto(?:nummer)?)"
    r"\W{0,3})"
    r"(\d{4}(?: \d{4})+(?: \d{1,3})?(?![\w-])|(?=[\w*-]*\d)[\w*-]{4,})",
    re.IGNORECASE,
)
# Columns that say whose a row is, by their whole name: others tell whom the money went to.
_ACCOUNT_COLUMNS: Final = (
    "账号", "本方账号", "卡号", "商户号", "商户编号", "account", "account no", "account no.",
    "account number", "account id", "merchant account", "merchant id", "iban", "konto",
    "kontonummer", "vertragsnummer",
)  # fmt: skip
_MOST_ACCOUNTS: Final = 20  # a column of more different numbers is that of counterparties
_MOST_WORDS: Final = 30  # a column of more different words is no column of kinds


def draft(slug: str, path: Path) -> str:
    """The text of configs/providers/<slug>.toml. Errors: UserError for a file that has no header of
    a table, and for one that is no text."""
    table = find(path, _is_header)
    found = _roles(table)
    return _written(slug, table, found)


def _is_header(names: Sequence[str]) -> bool:
    """Several cells that name something, and at least two things we need."""
    named = [name for name in names if name and not any(letter.isdigit() for letter in name)]
    roles = ("date", "amount", "income", "expense")
    return len(named) >= 3 and sum(bool(_columns(names, role)) for role in roles) >= 2


def _columns(names: Sequence[str], role: str) -> list[str]:
    """All columns that may be of a role, the likeliest first."""
    found = []
    for word in _WORDS[role]:
        exact = [name for name in names if name.lower() == word]
        inside = [name for name in names if word in name.lower() and _may_be_inside(word)]
        found += [*exact, *inside]
    return list(dict.fromkeys(found))


def _may_be_inside(word: str) -> bool:
    return len(word) > 2 or not word.isascii()


def _roles(table: FoundTable) -> dict[str, str]:
    """The column of each role: of those that are called so, the one whose cells fit most often."""
    fits = {
        "date": _is_date, "currency": _is_currency, "income": _is_number, "expense": _is_number,
        "amount": _is_number, "fee": _is_number, "balance": _is_number,
    }  # fmt: skip
    found: dict[str, str] = {}
    for role in _WORDS:
        names = [name for name in _columns(table.names, role) if name not in found.values()]
        if role in fits:
            shares = {name: sum(map(fits[role], table.cells(name))) for name in names}
            names = sorted((name for name in names if shares[name]), key=lambda name: -shares[name])
        elif role == "direction":
            names = [name for name in names if _direction_of(table, name)]
        if names:
            found[role] = names[0]
    if "income" in found and "expense" in found:
        found.pop("amount", None)
        found.pop("direction", None)
    return found


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[-+]?\W{0,2}\d[\d.,' ]*\W{0,2}", text.strip()))


def _is_date(text: str) -> bool:
    return bool(re.match(r"\d{1,4}[-./年]?\d{1,2}[-./月]?\d{1,4}", text))


def _is_currency(text: str) -> bool:
    return text.strip().upper() in EXPONENT or text.strip() in _CURRENCIES


def _direction_of(table: FoundTable, name: str) -> tuple[str, str] | None:
    there = {text.lower() for text in table.cells(name)}
    for incoming, outgoing in _DIRECTIONS:
        if there and there <= {incoming.lower(), outgoing.lower()}:
            return incoming, outgoing
    return None


def _written(slug: str, table: FoundTable, found: dict[str, str]) -> str:
    zone = _time_zone(table)
    accounts, account_lines = _accounts(table)
    day = next(iter(table.cells(found["date"])), "") if "date" in found else ""
    lines = [
        f"# Drafted from line {table.header_line} of a file. DECIDE marks what it cannot tell; but",
        "# look at every line. recon/io/README.md explains the settings.",
        "[provider]",
        f"title = {quoted(slug)}",
        "",
        "[source]",
        'channel = "folder"',
        f'path = "statements/{slug}"            # DECIDE: where the files are',
        "",
        *(line for account in accounts for line in _account_lines(slug, account, zone)),
        "[[statement]]",
        'name = "export"',
        f"title = {quoted(slug + ' export')}",
        f"time_zone = {quoted(zone)}            # DECIDE",
        *table.settings,
        *account_lines,
        *_footer(table),
        f"date_column = {quoted(found.get('date', table.names[0]))}",
        f"date_format = {quoted(_date_format(day))}            # the first row has {quoted(day)}",
        *_optional(found, "time", "time_column"),
        *_currency(table, found, zone),
        *_description(found),
        *_statuses(table, found),
        "",
        *(["[statement.widths]", *table.widths, ""] if table.widths else []),
        "[statement.columns]",
        *_optional(found, "txn_id", "txn_id"),
        *_optional(found, "merchant_ref", "merchant_ref"),
        *(_optional(found, "status", "status") if _words(table, found, "status") else []),
        "",
        "[statement.numbers]",
        *_numbers(table, found),
        "",
        "[statement.amount]",
        *_amounts(table, found),
        *_optional(found, "fee", "fee"),
        *_optional(found, "balance", "balance"),
        *_kinds(table, found),
        "",
    ]
    return "\n".join(lines)


def _optional(found: dict[str, str], role: str, setting: str) -> list[str]:
    return [f"{setting} = {quoted(found[role])}"] if role in found else []


def _time_zone(table: FoundTable) -> str:
    text = "".join(table.names)
    if re.search(r"[\u4e00-\u9fff]", text):
        return "Asia/Shanghai"
    is_german = re.search(r"datum|betrag|währung|umsatz|vorgang", text, re.IGNORECASE)
    return "Europe/Berlin" if is_german else "UTC"


def _account_lines(slug: str, account: str, zone: str) -> list[str]:
    return [
        "[[account]]",
        f"account = {quoted(account)}                 # DECIDE: your number there",
        f"title = {quoted(slug)}",
        f"time_zone = {quoted(zone)}            # DECIDE",
        'statements = ["export"]',
        "",
    ]


def _accounts(table: FoundTable) -> tuple[list[str], list[str]]:
    """The numbers of a column, or the one above the header, and the setting that finds them."""
    for name in table.names:
        numbers = sorted(set(table.cells(name))) if name.lower() in _ACCOUNT_COLUMNS else []
        if 0 < len(numbers) <= _MOST_ACCOUNTS:
            setting = f"account_column = {quoted(name)}            # DECIDE: whose a row is"
            return numbers, [setting]
    for line in table.above:
        if found := _ACCOUNT.match(line):
            number = r"(\d{4}(?: \d+)+)" if " " in found[2] else r"([\w*-]+)"
            pattern = re.escape(found[1]).replace("\\ ", " ") + number
            return [found[2]], [f"account_pattern = {quoted(pattern)}"]
    return ["1"], []


def _footer(table: FoundTable) -> list[str]:
    """What the lines below the rows begin with; those of fixed width have a footer already."""
    starts = {row[0] for row in table.below if row[0]}
    if table.widths or not starts:
        return []
    return [f"footer = {quoted(min(starts))}            # DECIDE: the lines of sums at the end"]


def _currency(table: FoundTable, found: dict[str, str], zone: str) -> list[str]:
    if "currency" not in found:
        guess = {"Asia/Shanghai": "CNY", "Europe/Berlin": "EUR"}.get(zone, "USD")
        return [f"currency = {quoted(guess)}                       # DECIDE"]
    words = sorted({text for text in table.cells(found["currency"]) if text in _CURRENCIES})
    codes = ", ".join(f"{quoted(word)} = {quoted(_CURRENCIES[word])}" for word in words)
    lines = [f"currency_column = {quoted(found['currency'])}"]
    if "balance" in found and len(set(table.cells(found["currency"]))) == 1:
        lines.append('# with currency = "..." in its place the balance proves every day')
    return [*lines, f"currency_codes = {{ {codes} }}"] if words else lines


def _words(table: FoundTable, found: dict[str, str], role: str) -> dict[str, str | None]:
    """The different texts of a column of kinds or statuses, with what we take each for."""
    if role not in found:
        return {}
    names = _STATUSES if role == "status" else _KINDS
    texts = sorted(set(table.cells(found[role])))
    if len(texts) > _MOST_WORDS:
        return {}

    def meaning(text: str) -> str | None:
        return next(
            (name for name, words in names.items() if any(word in text.lower() for word in words)),
            None,
        )

    return {text: meaning(text) for text in texts}


def _statuses(table: FoundTable, found: dict[str, str]) -> list[str]:
    words = _words(table, found, "status")
    if not words:
        return []
    known = ", ".join(
        f"{quoted(text)} = {quoted(status or 'pending')}" for text, status in words.items()
    )
    return [f"statuses = {{ {known} }}    # DECIDE"]


def _date_format(text: str) -> str:
    date = text[:10].strip()
    if len(date) >= 8 and date[:8].isdecimal():
        date, clock, form = text[:8], text[8:].strip(" T"), "%Y%m%d"
    else:
        clock = text[10:].strip(" T")
        form = _dashed(date)
    if clock.count(":") == 2 and len(clock) == 8:
        return f"{form}{'T' if 'T' in text else ' '}%H:%M:%S"
    return f"{form} %H:%M" if re.fullmatch(r"\d\d:\d\d", clock) else form


def _dashed(date: str) -> str:
    if "." in date:
        return "%d.%m.%Y"
    if "/" in date:
        return "%Y/%m/%d" if date[:4].isdecimal() else "%d/%m/%Y"
    return "%Y-%m-%d"


def _numbers(table: FoundTable, found: dict[str, str]) -> list[str]:
    roles = ("amount", "income", "expense", "fee", "balance")
    texts = [text for role in roles if role in found for text in table.cells(found[role])]
    comma = [text for text in texts if re.search(r",\d{1,2}\D*$", text)]
    blank = ['blank = ["-"]'] if "-" in texts else []
    if comma and not any(re.search(r"\.\d{1,2}\D*$", text) for text in texts):
        return ['decimal = ","', 'thousands = "."', *blank]
    return ['thousands = ","', *blank]


def _amounts(table: FoundTable, found: dict[str, str]) -> list[str]:
    if "income" in found and "expense" in found:
        return [f"income = {quoted(found['income'])}", f"expense = {quoted(found['expense'])}"]
    lines = [f"column = {quoted(found.get('amount', 'DECIDE'))}"]
    if "direction" in found and (words := _direction_of(table, found["direction"])):
        incoming, outgoing = words
        lines += [
            f"direction = {quoted(found['direction'])}",
            f"incoming = [{quoted(incoming)}]",
            f"outgoing = [{quoted(outgoing)}]",
        ]
    return lines


def _description(found: dict[str, str]) -> list[str]:
    """What a person reads, and in which the number of a payout is looked for: of the export of an
    account the words of the movement, too."""
    is_account = "balance" in found or "income" in found
    roles = ("kind", "description") if is_account else ("description",)
    columns = ", ".join(quoted(found[role]) for role in roles if role in found)
    return [f"description = [{columns}]"] if columns else []


def _kinds(table: FoundTable, found: dict[str, str]) -> list[str]:
    """A rule a kind whose words were recognised; the last one takes every other row."""
    words = _words(table, found, "kind")
    if "balance" in found or "income" in found:  # the export of an account
        words = {text: "fee" if kind == "fee" else None for text, kind in words.items()}
    lines: list[str] = []
    for kind in dict.fromkeys(filter(None, words.values())):
        texts = ", ".join(quoted(text) for text, meant in words.items() if meant == kind)
        lines += ["", "[[statement.kind]]                    # DECIDE", f"kind = {quoted(kind)}",
                  f"column = {quoted(found['kind'])}", f"words = [{texts}]"]  # fmt: skip
    rest = [text for text, meant in words.items() if meant is None]
    if words and not rest:
        return lines
    return [
        *lines,
        "",
        "[[statement.kind]]",
        'kind = "transfer"                      # DECIDE: every row that no rule before it takes:',
        f"# {', '.join(rest[:8]) or 'all of this file'}",
    ]
