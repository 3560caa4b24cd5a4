"""Bills of a service provider (服务商): rows of many sub-merchants (特约商户), each by its number.

A row belongs to the sub-merchant where that is an account of ours, and else to the service provider
whose bill it is: who configures only the provider's number reconciles all of it as one account.
"""

import polars as pl

from recon.periods import Period
from recon.providers.contract import Content, Place, ReadContext
from recon.providers.wechatpay import layout

MERCHANT, SUB_MERCHANT = "商户号", "特约商户号"
_NONE = ("", "0")  # how a bill of a merchant of its own fills the column


def is_of_several(row: dict[str, str] | None) -> bool:
    """Whether a bill with this first row is of a service provider: then all of its rows are."""
    return row is not None and row.get(SUB_MERCHANT, "") not in _NONE


def owner(context: ReadContext) -> pl.Expr:
    """The account each row belongs to; of an unknown configuration, the sub-merchant."""
    merchant, sub_merchant = layout.text(MERCHANT), layout.text(SUB_MERCHANT)
    if context.account is None:
        is_sub = ~sub_merchant.is_in(list(_NONE))
    else:
        ours = {context.account, *(place.account for place in context.elsewhere)}
        is_sub = sub_merchant.is_in(sorted(ours))
    return pl.when(is_sub).then(sub_merchant).otherwise(merchant)


def places(
    content: Content, header: list[str], summary: layout.Summary, days: Period
) -> frozenset[Place]:
    """Every account that rows of the bill may belong to, on each of its days."""
    columns = [MERCHANT, SUB_MERCHANT]
    whose = layout.cells(content, header, wanted=columns, summary=summary).select(
        pl.concat_list(layout.text(name) for name in columns).alias("account")
    )
    found = whose.explode("account").unique().collect(engine="streaming")["account"]
    return frozenset(Place(one, day) for one in found if one and one not in _NONE for day in days)
