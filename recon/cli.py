"""The `recon` command: arguments in, tables and exit codes out.

Exit codes: 0 done; 2 the user's mistake; 3 not proved; 4 discrepancies, with --fail-on-discrepancy;
1 our bug. Imports that take time happen inside the commands that need them.
"""

import gc
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError

from recon import console
from recon.commands import (
    audit,
    cases,
    fees,
    files,
    journal,
    ledger,
    merchants,
    open_items,
    providers,
    sign_off,
    withdrawals,
)
from recon.commands.common import (
    CHOSEN,
    COMMON,
    Chosen,
    Common,
    Only,
    begin_workspace,
    open_workspace,
)
from recon.commands.providers import known_providers
from recon.errors import ReconError, UserError

if TYPE_CHECKING:
    from recon.io.archives import Keys
    from recon.io.days import Workspace
    from recon.io.jobs import RunReport

app = App(
    name="recon",
    help="Prove every day, to the cent, that providers, ledger and bank agree on the money.",
    result_action="return_value",
    suppress_keyboard_interrupt=False,  # it is told by `invoke`
    default_parameter=Parameter(negative_iterable=()),  # a list nobody names is no list at all
)
for group in (files, journal, ledger, merchants, providers, cases, sign_off, audit):
    app.command(group.app)
for group in (fees, withdrawals):
    app.command(group.app)
app.command(open_items.open_items)
app.command(open_items.changes)
app.command(sign_off.reopen)


@app.command
def run(
    *,
    chosen: Chosen = CHOSEN,
    fetch: Annotated[bool, Parameter(help="look for new statements first")] = True,
    ask_again: Annotated[
        bool, Parameter(help="ask APIs for old statements that are here, too", negative="")
    ] = False,
    cascade: Annotated[bool, Parameter(help="later days that have changed too", negative="")] = (
        False
    ),
    fail_on_discrepancy: Annotated[bool, Parameter(help="exit with 4 for one", negative="")] = (
        False
    ),
    notify: Annotated[bool, Parameter(help="send the message of [notify]", negative="")] = False,
    common: Common = COMMON,
) -> int:
    """Fetch, reconcile, settle and report: the daily job, or an accountant's rerun of a range."""
    from recon.io.jobs import run_period

    if ask_again and not fetch:
        raise UserError("--ask-again asks the sources and --no-fetch does not: choose one")
    period = chosen.period
    workspace = begin_workspace(common)
    accounts = chosen.accounts(workspace)
    if notify and workspace.config.recon.notify is None:
        raise UserError("--notify needs [notify] in recon.toml, with the places to tell")
    report = run_period(
        workspace,
        accounts,
        period,
        fetch=fetch,
        ask_again=ask_again,
        cascade=cascade,
        on_day=console.day_listener(common.json, len(accounts) * period.day_count),
    )
    console.show_run(report, as_json=common.json, language=common.lang)
    code = report.exit_code(fail_on_discrepancy=fail_on_discrepancy)
    return _notified(workspace, report, code) if notify else code


@app.command
def demo(
    *,
    live: Annotated[
        bool, Parameter(help="fetch from servers that it starts on this machine", negative="")
    ] = False,
    common: Common = COMMON,
) -> int:
    """Reconcile the shipped samples: three days, no server, no key, no network."""
    from recon.io.demo import run_demo

    usual = Path("workspace/demo-live" if live else "workspace/demo")
    workspace = common.workspace if common.workspace != COMMON.workspace else usual
    report = run_demo(
        workspace, common.lang, on_day=console.day_listener(common.json), is_live=live
    )
    console.show_demo(report, as_json=common.json, language=common.lang)
    return 0 if report.is_as_planted else 1


@app.command
def normalize(
    files: Annotated[list[Path], Parameter(help="statements of any kind")],
    /,
    *,
    provider: Annotated[str | None, Parameter(help="refuse files of another provider")] = None,
    account: Annotated[str | None, Parameter(help="account, where the file names none")] = None,
    time_zone: Annotated[str | None, Parameter(help="the account's, if not the usual one")] = None,
    out: Annotated[Path | None, Parameter(help="write lines to .parquet, .csv or .jsonl")] = None,
    common: Common = COMMON,
) -> int:
    """Show the canonical lines, rejects and control totals of statements."""
    from recon.io.statements import normalize_files

    found = normalize_files(
        files,
        provider=provider,
        account=account,
        time_zone=time_zone,
        providers=known_providers(common),
        keys=_keys_of(common, provider),
    )
    if out is not None:
        from recon.io.export import write_frame

        write_frame(found.lines.lazy(), out)
    console.show_statements(found, out, as_json=common.json, language=common.lang)
    return 0 if found.is_sound else 3


@app.command
def discrepancies(
    *,
    chosen: Chosen = CHOSEN,
    type: Annotated[list[str] | None, Parameter(help="only this type; may be repeated")] = None,
    out: Annotated[Path | None, Parameter(help="write them to .csv, .jsonl or .parquet")] = None,
    common: Common = COMMON,
) -> int:
    """Show discrepancies of the current runs."""
    from recon.io.jobs import known_discrepancies

    period = chosen.period_if_any
    workspace = open_workspace(common)
    accounts = chosen.accounts(workspace)
    frame = known_discrepancies(workspace, accounts, period, type)
    console.show_table(frame, "discrepancies", out, as_json=common.json, language=common.lang)
    return 0


@app.command
def report(
    *,
    date: Annotated[str, Parameter(help="business date, YYYY-MM-DD")],
    provider: Only = None,
    account: Only = None,
    common: Common = COMMON,
) -> int:
    """Where the reports of a day are, and whether it is proved; `--lang` has them told anew."""
    from recon.io.jobs import reports_of
    from recon.periods import parse_date

    workspace = open_workspace(common)
    accounts = workspace.config.accounts_of(provider, account)
    found, absent = reports_of(workspace, accounts, parse_date(date), common.lang)
    console.show_reports(found, workspace.reports / date, as_json=common.json)
    holds = [each["proved"] and each["recorded"] and not each["stale"] for each in found]
    for one in absent:
        console.complain(f"{one.provider} {one.account} has no report of {date}")
    return 0 if all(holds) and not absent else 3


@app.command
def status(
    *,
    date: Annotated[str | None, Parameter(help="as of this day; by default the last")] = None,
    common: Common = COMMON,
) -> int:
    """How every account stands: proved, open, matched, fees against what is usual, what comes."""
    from datetime import UTC, datetime

    from recon.io.status import status_of
    from recon.periods import parse_date

    workspace = open_workspace(common)
    day = None if date is None else parse_date(date)
    found = status_of(workspace, day, datetime.now(UTC), common.lang or "en")
    console.show_status(found, as_json=common.json, language=common.lang)
    return 0 if all(account.proved for account in found) else 3


@app.command
def check(
    *,
    connect: Annotated[bool, Parameter(help="ask every source as well", negative="")] = False,
    common: Common = COMMON,
) -> int:
    """Check configuration, folders, database and secrets, without changing anything."""
    from recon.io.check import check_workspace

    found = check_workspace(common.workspace, common.config, connect=connect)
    console.show_check(found, as_json=common.json, language=common.lang)
    return 2 if found.problems else 0


def _notified(workspace: "Workspace", report: "RunReport", code: int) -> int:
    """Tell the places of [notify]; a run that is done is not undone by a place that is closed."""
    from recon.io.notify import notify

    try:
        notify(workspace.config.recon.notify, report)
    except UserError as error:
        console.complain(str(error))
        return code or error.exit_code
    return code


def _keys_of(common: Common, provider: str | None) -> "Keys":
    """What a provider's encrypted files are opened with; nothing while none is named."""
    from recon.io.archives import NO_KEYS
    from recon.io.config import load_config
    from recon.io.fetch import keys_of

    if provider is None or not (common.config / "recon.toml").is_file():
        return NO_KEYS
    source = load_config(common.config).sources.get(provider)
    return NO_KEYS if source is None else keys_of(source)


def invoke(arguments: Sequence[str]) -> int:
    """Run one command and answer its exit code; a user's mistake is one line, never a traceback."""
    try:
        code = app(list(arguments), exit_on_error=False, print_error=False)
    except UnusedCliTokensError as error:
        unused = " ".join(error.unused_tokens or [])
        command = " ".join(error.command_chain or ())
        console.complain(f"nothing is known to do with {unused}; see: recon {command} --help")
        return 2
    except CycloptsError as error:
        is_option_first = bool(arguments) and arguments[0].startswith("-")
        hint = "; options come after the command: recon COMMAND --OPTION" if is_option_first else ""
        console.complain(f"{error}{hint}")
        return 2
    except ReconError as error:
        console.complain(str(error))
        return error.exit_code
    except BrokenPipeError:
        return 0
    except OSError as error:  # of the world: a full disk, a folder that is not ours
        console.complain(f"{error.filename or arguments[0]}: {error.strerror or error}")
        return ReconError.exit_code
    except KeyboardInterrupt:
        console.complain("interrupted; run it again, nothing is half-done")
        return 130
    return code if isinstance(code, int) else 0


def main() -> None:
    # A run makes few cycles and many objects: the usual threshold takes a sixth of a small day.
    gc.set_threshold(50_000)
    if isinstance(sys.stdout, TextIOWrapper):  # where a letter cannot be shown, its number is
        sys.stdout.reconfigure(errors="backslashreplace")
    code = invoke(sys.argv[1:])
    gc.freeze()  # to take memory apart before it goes back as a whole takes a third of a second
    sys.exit(code)
