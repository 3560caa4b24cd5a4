"""One message a run, to whoever must know: proved or not, why not, where the reports are.

The places are Apprise URLs: mail, Slack, Feishu, DingTalk, a webhook. They hold secrets, so the
configuration only names them, and no message of ours repeats them.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field

from recon.errors import UserError
from recon.io.secrets import SecretName, missing_secrets, secret
from recon.io.setting_types import Settings

if TYPE_CHECKING:
    from recon.io.jobs import RunReport

_REASONS_SHOWN: Final = 20


class NotifySettings(Settings):
    """[notify] of recon.toml"""

    urls_env: Annotated[list[SecretName], Field(min_length=1)]
    when: Literal["always", "not_proved"] = "always"


def summary_line(report: "RunReport") -> str:
    """The outcome of a run in a line."""
    proved = sum(day.result.proved for day in report.days)
    found = sum(day.result.discrepancies.height for day in report.days)
    text = f"{proved} of {len(report.days)} days proved, {found} discrepancies"
    return text + (f", {len(report.failures)} failures" if report.failures else "")


def message_of(report: "RunReport") -> tuple[str, str]:
    """Title and text of the message about a run. It names no amount, line or entry."""
    verdict = "proved" if report.is_proved else "NOT PROVED"
    reasons = [
        f"{day.result.business_date} {day.result.provider} {day.result.account}: {reason}"
        for day in report.days
        for reason in day.result.not_proved_because
    ] + [str(failure) for failure in report.failures]
    more = len(reasons) - _REASONS_SHOWN
    lines = [summary_line(report), *reasons[:_REASONS_SHOWN]]
    lines += [f"and {more} more"] if more > 0 else []
    if report.books:
        lines.append(f"open next: {report.books[-1]}")
    return f"reconciliation of {report.period}: {verdict}", "\n".join(lines)


def notify(settings: NotifySettings | None, report: "RunReport") -> None:
    """Send the message of a run to every place, if any. Errors: UserError when one of them did not
    take it; the others have it all the same."""
    if settings is None or (settings.when == "not_proved" and report.is_proved):
        return
    import apprise  # half a second, and only for those who are told

    title, body = message_of(report)
    kind = apprise.NotifyType.SUCCESS if report.is_proved else apprise.NotifyType.FAILURE
    missing = missing_secrets(settings.urls_env)
    problems, refused = list(missing.values()), []
    with _nothing_logged():
        for name in settings.urls_env:
            if name in missing:
                continue
            place = apprise.Apprise()
            is_known = place.add(secret(name))
            if not is_known or not place.notify(title=title, body=body, notify_type=kind):
                refused.append(name)
    if refused:
        problems.append(
            f"the message about the run was not taken by {', '.join(refused)}; "
            "is its URL one of Apprise, and can the place be reached?"
        )
    if problems:
        raise UserError("\n".join(problems))


@contextmanager
def _nothing_logged() -> Iterator[None]:
    """The libraries that send would log addresses, and what they answer."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
