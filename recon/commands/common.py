"""What every command has: its options, the workspace, the range of days."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from recon.console import complain
from recon.errors import UserError
from recon.wording import Language

if TYPE_CHECKING:
    from recon.io.config import Config
    from recon.io.days import Workspace
    from recon.periods import Period
    from recon.settings import AccountSettings


Only = Annotated[list[str] | None, Parameter(help="only this one; may be repeated")]


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """Options of every command."""

    config: Annotated[Path, Parameter(help="folder of the configuration")] = Path("configs")
    workspace: Annotated[Path, Parameter(help="folder of database, inbox and reports")] = Path(
        "workspace"
    )
    json: Annotated[bool, Parameter(help="print JSON for machines", negative="")] = False
    lang: Annotated[Language | None, Parameter(help="language of reports and tables: en or zh")] = (
        None
    )
    actor: Annotated[
        str | None, Parameter(name="--as", help="who you are; RECON_USER, or the system's user")
    ] = None


COMMON = Common()


@Parameter(name="*")
@dataclass(frozen=True)
class Chosen:
    """Options of every command that is about some days and accounts: which ones."""

    date: Annotated[str | None, Parameter(help="business date, YYYY-MM-DD")] = None
    from_: Annotated[str | None, Parameter(name="--from", help="first business date")] = None
    to: Annotated[str | None, Parameter(help="last business date")] = None
    provider: Only = None
    account: Only = None

    @property
    def period(self) -> "Period":
        """Errors: UserError where the options name no day, or not one range."""
        return period_of(self.date, self.from_, self.to)

    @property
    def period_if_any(self) -> "Period | None":
        """The same; None where the options do not speak of days."""
        is_given = any(part is not None for part in (self.date, self.from_, self.to))
        return self.period if is_given else None

    def accounts(self, workspace: "Workspace") -> "list[AccountSettings]":
        """The configured accounts that are meant, by default all. Errors: UserError."""
        return workspace.config.accounts_of(self.provider, self.account)


CHOSEN = Chosen()


def open_workspace(common: Common) -> "Workspace":
    """The workspace with its configuration. Errors: UserError, also where there is none."""
    from recon.io.days import Workspace

    return Workspace.open(common.workspace, configured(common), common.actor)


def begin_workspace(common: Common) -> "Workspace":
    """The same, and made where there is none: for what fills it. Whoever is at a terminal is told,
    for the name may be mistyped."""
    from recon.io.days import Workspace

    config = configured(common)
    if sys.stderr.isatty() and not Workspace.is_begun(common.workspace, config):
        complain(f"{common.workspace} is a new workspace")
    return Workspace.begin(common.workspace, config, common.actor)


def configured(common: Common) -> "Config":
    """The configuration; `--lang` goes before its own language. Errors: UserError."""
    from recon.io.config import load_config

    config = load_config(common.config)
    return config if common.lang is None else config.told_in(common.lang)


def period_of(date: str | None, first: str | None, last: str | None) -> "Period":
    """One day or a range, as the options say. Errors: UserError for neither or both."""
    from recon.periods import Period, one_day, parse_date

    if date is not None and first is None and last is None:
        return one_day(parse_date(date))
    if date is None and first is not None and last is not None:
        return Period(parse_date(first), parse_date(last))
    raise UserError("say which day: --date D, or a range: --from A --to B")
