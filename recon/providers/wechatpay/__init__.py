"""WeChat Pay (微信支付): trade bills and fund-flow bills of API v3, and older trade bills."""

from recon.providers.contract import Provider, StatementKind
from recon.providers.wechatpay import fund_flow, trade_bill

_TRADE_BILL_URL = "https://pay.weixin.qq.com/doc/v3/merchant/4012791907"
_FUND_FLOW_URL = "https://pay.weixin.qq.com/doc/v3/merchant/4012791908"

PROVIDER = Provider(
    slug="wechatpay",
    title="WeChat Pay",
    title_zh="微信支付",
    kinds=(
        *(
            StatementKind(
                name=name,
                title=title,
                url=_TRADE_BILL_URL,
                time_zone="Asia/Shanghai",
                describe=trade_bill.describer(name),
                read=trade_bill.reader(name),
                places=trade_bill.places,
            )
            for name, title in (
                ("trade_all", "trade bill, all"),
                ("trade_success", "trade bill, payments"),
                ("trade_refund", "trade bill, refunds"),
            )
        ),
        StatementKind(
            name="fund_flow",
            title="fund-flow bill",
            url=_FUND_FLOW_URL,
            time_zone="Asia/Shanghai",
            describe=fund_flow.describe,
            read=fund_flow.read,
            matched_kinds=fund_flow.MATCHED_KINDS,
            tells_bookings=True,
        ),
    ),
)
