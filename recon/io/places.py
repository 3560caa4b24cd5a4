"""Where a delivered statement belongs: the accounts and business dates it is read for.

What a file is follows from its content; its name is asked only for what the content does not carry:
anybody can name a file anything.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from recon.errors import StatementError, UserError
from recon.periods import Clock
from recon.providers.contract import Content, Description, Place, Provider, ReadContext, encoding_of

_DATE: Final = re.compile(r"(?<!\d)(20\d\d)-(\d\d)-(\d\d)(?!\d)|(?<!\d)(20\d\d)(\d\d)(\d\d)(?!\d)")


@dataclass(frozen=True)
class Delivered:
    """A statement that has just come, and what is configured: its provider's accounts, and when the
    days of each begin."""

    content: Content
    provider: Provider
    description: Description
    accounts: Sequence[str]
    clocks: Mapping[str, Clock]

    @property
    def name(self) -> str:
        return self.content.name

    def context(self, account: str | None, whose: str | None) -> ReadContext:
        """To read it for `account`, by the clock of the account whose it may be."""
        own = Clock(self.provider.kind(self.description.kind).time_zone)
        clock = self.clocks.get(whose or "", own)
        return ReadContext(account, clock.time_zone, cut_off=clock.cut_off)


def places(delivered: Delivered) -> list[Place]:
    """Configured accounts and business dates, from the content or else the name; none when one of
    them is in neither.

    Errors: UserError for a statement none of whose accounts is configured.
    """
    account = _account_of(delivered)
    found = _within(delivered, account)
    ours = sorted(place for place in found if place.account in delivered.accounts)
    if ours:
        return ours
    others = {place.account for place in found} or ({account} if account else set())
    for other in sorted(others - set(delivered.accounts)):
        configured = ", ".join(delivered.accounts) or "none"
        raise UserError(
            f"{delivered.name} is for {delivered.provider.slug} account {other}, which is not "
            f"configured (configured: {configured}); add it to the configuration or remove the file"
        )
    return [] if account is None else [Place(account, day) for day in _days_of(delivered)]


def refuse_broken(delivered: Delivered, place: Place) -> None:
    """Errors: StatementError for a file that is cut or lacks a column, before it takes the place of
    one that is whole. Rows are not looked at here, and a large file only when it is used."""
    content = delivered.content
    if isinstance(content.scannable, bytes):
        kind = delivered.provider.kind(delivered.description.kind)
        text = content.in_utf8(encoding_of(kind, content))
        kind.read(text, delivered.context(place.account, place.account))


def unplaced(delivered: Delivered) -> UserError:
    """What to tell whoever delivered a statement that has no place."""
    accounts, slug = delivered.accounts, delivered.provider.slug
    if not accounts:
        return UserError(
            f"{delivered.name} is a {slug} statement, and no {slug} account is configured"
        )
    reject = _first_reject(delivered)
    if reject is not None:
        return UserError(
            f"{delivered.name}, a {slug} {delivered.description.kind} statement, has no row that "
            f"was understood, and so no business date; the first: {reject}"
        )
    wanted = []
    if delivered.description.account is None and len(accounts) > 1:
        wanted.append(f"the account ({', '.join(accounts)})")
    if not _days_of(delivered):
        wanted.append("its one business date (YYYY-MM-DD or YYYYMMDD)")
    return UserError(
        f"{delivered.name}, a {slug} {delivered.description.kind} statement, does not carry "
        f"{' or '.join(wanted)}; put it into the file name"
    )


def _first_reject(delivered: Delivered) -> str | None:
    """Why a file whose rows tell where they belong has none that does."""
    kind, account = delivered.provider.kind(delivered.description.kind), _account_of(delivered)
    if kind.places is None or account is None or not isinstance(delivered.content.scannable, bytes):
        return None
    context = delivered.context(account, account)
    with TemporaryDirectory() as folder:
        try:
            reading = kind.read(_in_utf8(delivered, Path(folder)), context)
            first = reading.rejects.sort("line_no").head(1).collect()
        except StatementError as error:
            return str(error)
    if first.is_empty():
        return None
    row = first.row(0, named=True)
    return f"line {row['line_no']}, {row['field']} {row['value']!r}: {row['reason']}"


def _account_of(delivered: Delivered) -> str | None:
    """The one account of the file, where there is only one it can be of."""
    accounts = delivered.accounts
    if delivered.description.account is not None:
        return delivered.description.account
    named = [candidate for candidate in accounts if _occurs(candidate, delivered.name)]
    candidates = accounts if len(accounts) == 1 else named
    return candidates[0] if len(candidates) == 1 else None


def _within(delivered: Delivered, account: str | None) -> frozenset[Place]:
    """All places a file of a kind that may hold several has. One that cannot be read belongs where
    its first lines say, so that a run can say what is wrong with it."""
    kind = delivered.provider.kind(delivered.description.kind)
    if kind.places is None:
        return frozenset()
    whose = account if delivered.description.account is None else None
    with TemporaryDirectory() as folder:
        try:
            text = _in_utf8(delivered, Path(folder))
            found = kind.places(text, delivered.context(whose, account))
        except StatementError:
            return frozenset()
    if delivered.description.period is not None or not (days := _days_of(delivered)):
        return found
    return frozenset(Place(place.account, day) for place in found for day in days)  # by its name


def _in_utf8(delivered: Delivered, folder: Path) -> Content:
    from recon.io.encodings import in_utf8  # which needs the inbox, which needs this

    return in_utf8(delivered.content, delivered.description.encoding, folder)


def _days_of(delivered: Delivered) -> list[date]:
    """The days a file is of, as its content says, or the only date its name has."""
    if delivered.description.period is not None:
        return list(delivered.description.period)
    name = delivered.name
    for account in delivered.accounts:  # an account number can look like a date
        name = name.replace(account, "_")
    days = set(_dates_in(name))
    return sorted(days) if len(days) == 1 else []


def _dates_in(name: str) -> Iterator[date]:
    for match in _DATE.finditer(name):
        year, month, day = (int(digits) for digits in match.groups() if digits is not None)
        try:
            yield date(year, month, day)
        except ValueError:
            continue  # eight digits that are no date


def _occurs(account: str, name: str) -> bool:
    """Whether the account is in the name as a whole number or word, not inside a longer one."""
    before = r"(?<!\d)" if account[:1].isdigit() else r"(?<![A-Za-z])"
    after = r"(?!\d)" if account[-1:].isdigit() else r"(?![A-Za-z])"
    return re.search(before + re.escape(account) + after, name) is not None
