"""tpWallet (TokenPocket): a self-custodial wallet on several chains, hence no settlement file.

`transfers` is our own format, described in transfers.py, which a wallet's export is brought into;
it carries balances and a count, so its days can be proved. The exports of explorers and of BTCPay
state nothing about themselves: they are read exactly, and stay unverified.
"""

from recon.providers.contract import Provider, StatementKind, places_of_lines
from recon.providers.tpwallet import btcpay, explorers, transfers, tron

PROVIDER = Provider(
    slug="tpwallet",
    title="tpWallet",
    title_zh="TP钱包",
    kinds=(
        StatementKind(
            name="transfers",
            title="transfers of one wallet and day, in our own format",
            url="https://help.tokenpocket.pro/",
            time_zone="UTC",
            is_dated_by_time=True,
            describe=transfers.describe,
            read=transfers.read,
        ),
        StatementKind(
            name="etherscan_native",
            title="Etherscan export of transactions",
            url="https://info.etherscan.com/exporting-transactions/",
            time_zone="UTC",
            is_dated_by_time=True,
            describe=explorers.describe_native,
            read=explorers.read_native,
            places=places_of_lines(explorers.read_native),
        ),
        StatementKind(
            name="etherscan_internal",
            title="Etherscan export of internal transactions: what contracts have sent",
            url="https://info.etherscan.com/exporting-transactions/",
            time_zone="UTC",
            is_dated_by_time=True,
            describe=explorers.describe_internal,
            read=explorers.read_internal,
            places=places_of_lines(explorers.read_internal),
        ),
        StatementKind(
            name="etherscan_erc20",
            title="Etherscan export of ERC-20 token transfers",
            url="https://info.etherscan.com/exporting-transactions/",
            time_zone="UTC",
            is_dated_by_time=True,
            describe=explorers.describe_erc20,
            read=explorers.read_erc20,
            places=places_of_lines(explorers.read_erc20),
        ),
        StatementKind(
            name="trongrid_trc20",
            title="TronGrid list of TRC-20 transfers",
            url="https://developers.tron.network/reference/trc20-transaction-information",
            time_zone="UTC",
            is_dated_by_time=True,
            describe=tron.describe_trongrid,
            read=tron.read_trongrid,
            places=places_of_lines(tron.read_trongrid),
        ),
        StatementKind(
            name="tronscan_trc20",
            title="Tronscan export of TRC-20 transfers; the token is in the name of the file",
            url="https://tronscan.org/",
            time_zone="UTC",
            is_dated_by_time=True,
            describe=tron.describe_tronscan,
            read=tron.read_tronscan,
            places=places_of_lines(tron.read_tronscan),
        ),
        StatementKind(
            name="btcpay_payments",
            title="BTCPay Server payments report",
            url="https://docs.btcpayserver.org/Reporting/",
            time_zone="UTC",
            is_dated_by_time=True,
            describe=btcpay.describe_payments,
            read=btcpay.read_payments,
            places=places_of_lines(btcpay.read_payments),
        ),
        StatementKind(
            name="btcpay_payouts",
            title="BTCPay Server payouts report",
            url="https://docs.btcpayserver.org/Reporting/",
            time_zone="UTC",
            is_dated_by_time=True,
            describe=btcpay.describe_payouts,
            read=btcpay.read_payouts,
            places=places_of_lines(btcpay.read_payouts),
        ),
    ),
)
