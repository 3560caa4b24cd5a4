"""Large statements of every format, made of one row each that is repeated with other numbers."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import polars as pl

from recon.providers.adyen.settlement_detail import _NEEDED as ADYEN
from recon.providers.alipay.antom import _DETAIL as ANTOM

Baseline = Literal["csv", "lines", "iterparse", "json"]
_BLOCK_ROWS: Final = 100_000


@dataclass(frozen=True)
class Format:
    """A statement as text: what is above the rows, a row, what is below.

    In a row `<n>` is its number in eight digits, `<b>` the number after it, `<a>` one of 900 whole
    amounts, `<t>` minute and second of an hour that goes by. `separator` is that of the bare read;
    `skip` the lines above the header.
    """

    name: str
    head: str
    row: str
    tail: str = ""
    between: str = "\n"
    baseline: Baseline = "csv"
    separator: str = ","
    skip: int = 0
    encoding: str = "utf-8"
    account: str | None = None

    def write(self, path: Path, rows: int) -> None:
        with path.open("w", encoding=self.encoding, newline="") as file:
            file.write(self.head)
            for first in range(0, rows, _BLOCK_ROWS):
                numbers = pl.select(n=pl.int_range(first, min(first + _BLOCK_ROWS, rows)))
                file.write(("" if first == 0 else self.between) + self._text(numbers, rows))
            file.write(self.tail)

    def _text(self, numbers: pl.DataFrame, rows: int) -> str:
        parts = re.sub(r"<([nbat])>", "\0\\1\0", self.row)
        number = pl.col("n")
        seconds = number * 3600 // rows
        minute, second = ((seconds // unit % 60).cast(pl.String).str.zfill(2) for unit in (60, 1))
        values = {
            "n": number.cast(pl.String).str.zfill(8),
            "b": (number + 1).cast(pl.String),
            "a": (number % 900 + 100).cast(pl.String),
            "t": minute + ":" + second,
        }
        pieces = [
            values[text] if place % 2 else pl.lit(text)
            for place, text in enumerate(parts.split("\0"))
        ]
        line = pl.concat_str(pieces)
        return str(numbers.select(line.str.join(self.between)).item())


_WECHAT = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,"
    "付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,"
    "退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\n"
)
_ALIPAY = (
    "#{title}\n#账号：[20889990001234560156]\n"
    "#起始日期：[2026年11月18日 00:00:00]   终止日期：[2026年11月19日 00:00:00]\n#----列表----\n"
)
_STL = (
    '"RH",2026/11/19 03:12:40 -0800,"A","RECONDEMO7US1",009,\n"FH",01\n'
    '"SH",2026/11/18 00:00:00 -0800,2026/11/18 23:59:59 -0800,"RECONDEMO7US1",""\n'
    '"CH","Transaction ID","Invoice ID","PayPal Reference ID","PayPal Reference ID Type",'
    '"Transaction Event Code","Transaction Initiation Date","Transaction Completion Date",'
    '"Transaction Debit or Credit","Gross Transaction Amount","Gross Transaction Currency",'
    '"Fee Debit or Credit","Fee Amount","Fee Currency","Custom Field","Consumer ID",'
    '"Payment Tracking ID","Store ID","Bank Reference ID","Credit Transactional Fee",'
    '"Credit Promotional Fee","Credit Term"\n'
)
_ADYEN_ROW = {
    "Merchant Account": "M1",
    "Psp Reference": "PSP<n>",
    "Merchant Reference": "ORDER<n>",
    "Payment Method": "visa",
    "Creation Date": "2026-11-18 23:<t>",
    "TimeZone": "CET",
    "Type": "Settled",
    "Modification Reference": "MOD<n>",
    "Gross Currency": "EUR",
    "Gross Credit (GC)": "<a>.00",
    "Exchange Rate": "1",
    "Net Currency": "EUR",
    "Net Credit (NC)": "<a>.00",
    "Batch Number": "7",
}
_ANTOM_ROW = {
    "Partner_transaction_id": "ORDER<n>",
    "Transaction_id": "T<n>",
    "Amount": "<a>.00",
    "Fee": "0.00",
    "Settlement": "<a>.00",
    "Currency": "HKD",
    "Payment_time": "11/17/2026 23:<t>",
    "Settlement_time": "11/18/2026 15:<t>",
    "Type": "PAYMENT",
    "Status": "SUCCESS",
}
_STRIPE_HEADER = (
    "automatic_payout_id,automatic_payout_effective_at,balance_transaction_id,created_utc,currency,"
    "gross,fee,net,reporting_category,source_id,description,payment_method_type,charge_id,"
    "payment_metadata[order_id]\n"
)
_WALLET_HEADER = (
    "tx_hash,log_index,network,block_time_utc,direction,order_id,token_symbol,token_decimals,"
    "amount_atomic,fee_symbol,fee_decimals,fee_atomic,confirmations,status\n"
)
_US = "0xabc0000000000000000000000000000000000001"
_CAMT_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>'
    "<GrpHdr><MsgId>M</MsgId></GrpHdr><Stmt><Id>S1</Id><Acct><Id><IBAN>NL02RECO0123456789</IBAN>"
    "</Id><Ccy>EUR</Ccy></Acct>"
    '<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">0.00</Amt>'
    "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-17</Dt></Dt></Bal>\n"
    '<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">0.00</Amt>'
    "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-18</Dt></Dt></Bal>\n"
)
_CAMT_ROW = (
    '<Ntry><Amt Ccy="EUR"><a>.40</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt>'
    "<Dt>2026-11-18</Dt></BookgDt><ValDt><Dt>2026-11-18</Dt></ValDt><AcctSvcrRef>S<n></AcctSvcrRef>"
    "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn>"
    "</BkTxCd><NtryDtls><TxDtls><Refs><EndToEndId>INV-<n></EndToEndId></Refs><RmtInf>"
    "<Ustrd>Bluebird Roasters</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
)
_API_ROW = (
    '{"id":"txn_<n>","object":"balance_transaction","amount":<a>00,"created":1795031972,'
    '"currency":"usd","description":"Order <n>","exchange_rate":null,"fee":0,"fee_details":'
    '[{"amount":0,"currency":"usd","type":"stripe_fee"}],"net":<a>00,"reporting_category":'
    '"charge","source":{"id":"ch_<n>","object":"charge","metadata":{"order_id":"WEB<n>"},'
    '"payment_method_details":{"type":"card","card":{"brand":"visa","wallet":null}}},'
    '"status":"available","type":"charge"}'
)

FORMATS: Final = (
    Format(
        "wechatpay trade_all",
        _WECHAT,
        "`2026-11-18 08:<t>,`wx00000000demo0001,`1600000001,`0,`,`42000064882026111844<n>,"
        "`SO2026111888<n>,`oDEMO0000000002557<n>,`JSAPI,`SUCCESS,`ICBC_DEBIT,`CNY,`<a>.64,`0.00,"
        "`0,`0,`0.00,`0.00,`,`,`纯棉浴巾,`,`0.66000,`0.60%,`<a>.64,`0.00,`",
        "\n总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\n"
        "`1,`1.00,`0.00,`0.00,`0.00,`0.00,`0.00\n",
    ),
    Format(
        "wechatpay fund_flow",
        "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
        "资金变更提交申请人,备注,业务凭证号\n",
        "`2026-11-18 08:<t>,`42000064882026111844<n>,`16000000012026<n>,`交易,`交易,`收入,`1.00,"
        "`<b>.00,`system,`结算总金额 1.00 元;含手续费 0.00 元,`SO2026111888<n>",
        "\n资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\n`1,`1,`1.00,`0,`0.00\n",
        account="1600000001",
    ),
    Format(
        "alipay trade_detail",
        _ALIPAY.format(title="支付宝业务明细查询")
        + "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,"
        "操作员,终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,"
        "券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,"
        "分润（元）,备注\n",
        "20261118220014706994<n>\t,AL261118<n>\t,交易\t,咖啡豆 (一公斤),2026-11-18 01:<t>,"
        "2026-11-18 01:<t>,\t,\t,\t,\t,**明(138******00)\t,<a>.73,<a>.73,0.00,0.00,0.00,0.00,"
        "0.00,,0.00\t,0.00,\t,-1.74,0.00,",
        "\n#----列表结束----\n#交易合计：1笔，商家实收共0.06元，商家优惠共0.00元\n",
        skip=4,
        encoding="gb18030",
    ),
    Format(
        "alipay account_detail",
        _ALIPAY.format(title="支付宝账务明细查询")
        + "账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,"
        "支出金额（-元）,账户余额（元）,交易渠道,业务类型,备注\n",
        "261118<n>\t,20261118220014706994<n>\t,AL261118<n>\t,咖啡豆\t,2026-11-18 22:<t>,"
        "*明 (138****0000)\t,1.00,0.00,<b>.00,支付宝,在线支付,",
        "\n#----列表结束----\n#收入合计：1笔，共1.00元\n",
        skip=4,
        encoding="gb18030",
    ),
    Format(
        "alipay antom_settlement",
        ",".join(ANTOM) + "\n",
        ",".join(_ANTOM_ROW.get(name, "") for name in ANTOM),
        account="MID1",
    ),
    Format(
        "paypal settlement",
        _STL,
        '"SB","W2LBHELN9<n>","WEB-20261118-<n>","","","T0006",2026/11/18 00:<t> -0800,'
        '2026/11/18 00:<t> -0800,"CR",<a>00,"USD","DR",1225,"USD","","DEMO7APR5R74U","","","",,,',
        '\n"SF","USD",1,0,0,0,"CR",1,"CR",1,"CR",0,"CR",0,"CR",0,"CR",0,1\n"SC",1\n"RC",1\n"FF",1\n',
        skip=3,
    ),
    Format(
        "stripe balance_transactions",
        '[{"payout":{"id":"po_1","amount":0,"arrival_date":1794960000,"currency":"usd"},'
        '"balance_transactions":{"object":"list","has_more":false,"data":[\n',
        _API_ROW,
        "]}}]\n",
        between=",\n",
        baseline="json",
        account="acct_1",
    ),
    Format(
        "stripe payout_reconciliation",
        _STRIPE_HEADER,
        "po_1,2026-11-18 00:00:00,txn_<n>,2026-11-17 10:<t>,usd,<a>.00,0.00,<a>.00,charge,ch_<n>,"
        "Order <n>,card,ch_<n>,WEB<n>",
        account="acct_1",
    ),
    Format(
        "adyen settlement_detail",
        ",".join(ADYEN) + ",Commission (NC)\n",
        ",".join(_ADYEN_ROW.get(name, "") for name in ADYEN) + ",",
    ),
    Format(
        "tpwallet transfers",
        f"#wallet,{_US}\n#date,2026-11-18\n#opening,USDT,6,0\n" + _WALLET_HEADER,
        "0xaa<n>,1,ethereum,2026-11-18T10:<t>Z,payment_in,ORDER<n>,USDT,6,<a>500000,ETH,18,0,64,"
        "success",
        "\n#closing,USDT,6,0\n#rows,1\n",
        skip=3,
    ),
    Format(
        "tpwallet etherscan_erc20",
        '"Txhash","Blockno","UnixTimestamp","DateTime (UTC)","From","To","TokenValue",'
        '"USDValueDayOfTx","ContractAddress","TokenName","TokenSymbol"\n',
        '"0xaa<n>","1","1795031972","2026-11-18 10:<t>","0x0000000000000000000002",'
        f'"{_US}","1,<a>.5","","0xdac","Tether USD","USDT"',
        account=_US,
    ),
    Format(
        "acquirer umsaetze",
        "Kartenpartner\nVertragsnummer: 4711-0815\nUmsätze vom 18.11.2026\n\n"
        "Datum;Uhrzeit;Vorgang;Karte;Transaktion;Zu Transaktion;Ihre Referenz;Zu Referenz;S/H;"
        "Betrag;Entgelt\n",
        "18.11.2026;16:<t>;Kauf;visa;K<n>;;BLN261118<n>;;H;1.<a>,50;5,42",
        "\nSumme;;;;;;;;;1,00;0,00;1\n",
        separator=";",
        skip=4,
        encoding="cp1252",
    ),
    Format(
        "bank camt053",
        _CAMT_HEAD,
        _CAMT_ROW,
        "</Stmt></BkToCstmrStmt></Document>\n",
        baseline="iterparse",
    ),
    Format(
        "bank mt940",
        ":20:STMT261118\n:25:6222021000001234567\n:28C:322/1\n:60F:C261117CNY0,00\n",
        ":61:2611181118C<a>,00NTRFNONREF//C<n>\n:86:EREF+RENT-<n>\nSVWZ+transfer",
        "\n:62F:C261118CNY0,00\n-\n",
        baseline="lines",
    ),
    Format(
        "bank bai2",
        "01,BANK,US,261119,0700,1,80,1,2/\n02,US,BANK,1,261118,,USD,2/\n03,1020,USD,010,0,,/\n",
        "16,165,<a>00,Z,B<n>,C<n>,TRANSFER FROM SOMEBODY/",
        "\n49,0,3/\n98,0,1,5/\n99,0,1,7/\n",
        baseline="lines",
    ),
)
