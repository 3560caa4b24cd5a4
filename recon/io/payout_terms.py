"""How an account is paid out, from its settings, the calendar of the banks and what was run."""

from datetime import date

from recon.io.database import Database
from recon.io.deliveries import business_days
from recon.io.runs import RunStore
from recon.settings import AccountSettings
from recon.settlement.cycles import Cycle
from recon.settlement.due import PayoutTerms


def payout_terms(database: Database, account: AccountSettings, day: date) -> PayoutTerms | None:
    """The terms that hold on a day; None: none are agreed. What the days before the account's first
    run have earned is not known, whatever the contract says of them."""
    if account.cycle is None or account.cycle_from is None or day < account.cycle_from:
        return None
    began = RunStore(database).first_day(account.provider, account.account) or day
    return PayoutTerms(
        cycle=Cycle(account.cycle),
        first=max(account.cycle_from, min(began, day)),
        days=business_days(account.cycle_calendar, day),
        minimum=dict(account.minimum_payout),
        payouts_on=account.payouts_on,
        reference=account.payout_reference,
    )
