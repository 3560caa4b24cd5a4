"""What every command has: its options, the workspace, the range of days."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from recon.errors import UserError
from recon.wording import Language

if TYPE_CHECKING:
    from recon.io.days import Workspace
    from recon.periods import Period


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """Options of every command."""

    config: Annotated[Path, Parameter(help="folder of the configuration")] = Path("configs")
    workspace: Annotated[Path, Parameter(help="folder of database, inbox and reports")] = Path(
        "workspace"
    )
    json: Annotated[bool, Parameter(help="print JSON for machines", negative="")] = False
    actor: Annotated[
        str | None, Parameter(name="--as", help="who you are; RECON_USER, or the system's user")
    ] = None


COMMON = Common()


Lang = Annotated[
    Language | None, Parameter(name="--lang", help="language of the reports: en or zh")
]


def open_workspace(common: Common, language: Language | None = None) -> "Workspace":
    """The workspace with its configuration; `language` goes before that of the configuration.

    Errors: UserError.
    """
    from recon.io.config import load_config
    from recon.io.days import Workspace

    config = load_config(common.config)
    told = config if language is None else config.told_in(language)
    return Workspace.open(common.workspace, told, common.actor)


def period_of(date: str | None, first: str | None, last: str | None) -> "Period":
    """One day or a range, as the options say. Errors: UserError for neither or both."""
    from recon.periods import Period, one_day, parse_date

    if date is not None and first is None and last is None:
        return one_day(parse_date(date))
    if date is None and first is not None and last is not None:
        return Period(parse_date(first), parse_date(last))
    raise UserError("say which day: --date D, or a range: --from A --to B")
