"""Alipay (支付宝): business bills and account bills, as the two members of the zip they come in."""

from recon.providers.alipay import account_bill, antom, business_bill, summaries
from recon.providers.contract import Provider, StatementKind, places_of_lines

_URL = "https://opendocs.alipay.com/open/028woc"
_ANTOM_URL = "https://docs.antom.com/ac/reconcile/overview"

PROVIDER = Provider(
    slug="alipay",
    title="Alipay",
    title_zh="支付宝",
    kinds=(
        StatementKind(
            name="trade_detail",
            title="business bill (业务明细)",
            url=_URL,
            time_zone="Asia/Shanghai",
            describe=business_bill.describe,
            read=business_bill.read,
        ),
        StatementKind(
            name="account_detail",
            title="account bill (账务明细)",
            url=_URL,
            time_zone="Asia/Shanghai",
            describe=account_bill.describe,
            read=account_bill.read,
            matched_kinds=account_bill.MATCHED_KINDS,
            tells_bookings=True,
        ),
        *(
            StatementKind(
                name=name,
                title=f"{of} summary (汇总)",
                url=_URL,
                time_zone="Asia/Shanghai",
                describe=summaries.describer(name),
                read=summaries.read,
                matched_kinds=frozenset(),
            )
            for name, of in (
                ("trade_summary", "business bill"),
                ("account_summary", "account bill"),
            )
        ),
        *(
            StatementKind(
                name=name,
                title=title,
                url=_ANTOM_URL,
                time_zone="Asia/Shanghai",
                describe=antom.describer(name),
                read=antom.reader(name),
                places=places_of_lines(antom.reader(name)),
            )
            for name, title in (
                (antom.SETTLEMENT, "Antom settlement of a batch"),
                (antom.TRADES, "Antom trades, not settled yet"),
            )
        ),
        *(
            StatementKind(
                name=name,
                title=title,
                url=_ANTOM_URL,
                time_zone="Asia/Shanghai",
                describe=antom.describer(name),
                read=read,
                matched_kinds=frozenset(),
            )
            for name, title, read in (
                (
                    antom.BATCHES,
                    "Antom batches: states what settlements add up to",
                    antom.read_batches,
                ),
                (antom.SUMMARY, "Antom settlement summary", antom.read_summary),
            )
        ),
    ),
    notes=("Antom pays merchants outside China: give them an account with these statements.",),
)
