"""Providers and their sources: what can be read, what came, what comes next, what is wrong."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from recon.console.grids import print_rows
from recon.console.terminal import complain, print_json
from recon.reporting import text
from recon.wording import Language

if TYPE_CHECKING:
    from recon.io.check import Check
    from recon.io.fetch import Arrival
    from recon.providers.contract import Provider


def show_arrivals(arrivals: "Sequence[Arrival]") -> None:
    """One line a source: what is new; and each statement that corrects another."""
    sources = sorted({(arrival.provider, arrival.origin) for arrival in arrivals})
    if len(sources) > 1 and not any(_is_news(arrival) for arrival in arrivals):
        print(f"nothing new from {len(sources)} sources: {len(arrivals)} statements known already")
        return
    for provider, origin in sources:
        of_source = [a for a in arrivals if (a.provider, a.origin) == (provider, origin)]
        states = [arrival.state for arrival in of_source]
        new, corrected = states.count("new"), states.count("corrected")
        parts = [f"{new} new" if new else "nothing new"]
        parts += [f"{corrected} corrected"] if corrected else []
        parts += [f"{states.count('duplicate')} known already"] if "duplicate" in states else []
        replaced = sum(
            a.state == "duplicate" and a.file.superseded_by is not None for a in of_source
        )
        parts += [f"{replaced} of them replaced by a correction, so not used"] if replaced else []
        print(f"{provider}: {', '.join(parts)}, from {origin}")
        if replaced:
            print("  to take a correction back: recon files list, then recon files use")
    for arrival in arrivals:
        if arrival.state == "corrected":
            file = arrival.file
            print(
                f"{file.business_date} {file.provider} {file.account}: {file.name} is version "
                f"{file.version} of its statement; what it replaces is kept"
            )


def _is_news(arrival: "Arrival") -> bool:
    return arrival.state != "duplicate" or arrival.file.superseded_by is not None


def show_check(found: "Check", *, as_json: bool, language: Language | None = None) -> None:
    """What comes next, who answers, and what would stop a run."""
    verdicts = text.words(text.VERDICTS, language or "en")
    if as_json:
        answers = {"sources": found.answers} if found.answers else {}
        deliveries = {"deliveries": [vars(delivery) for delivery in found.deliveries]}
        print_json(
            {"problems": found.problems, "begun": found.absent is None} | answers | deliveries
        )
        return
    if found.deliveries:
        rows = [
            {
                "provider": one.provider,
                "account": one.account,
                "last_received": one.last_received or "",
                "next": one.business_date,
                "expected_by": one.expected_at or verdicts["at_run"],
                "state": verdicts[one.state.replace(" ", "_")],
            }
            for one in found.deliveries
        ]
        print_rows("deliveries", rows, language=language)
    if found.absent is not None:
        print(f"there is no workspace {found.absent} yet: the first import or run begins it")
    for answer in found.answers:
        print(answer)
    for problem in found.problems:
        complain(problem)
    if not found.problems:
        print("configuration, folders, secrets and database are in order")


def show_providers(
    providers: "Mapping[str, Provider]", *, as_json: bool, language: Language | None = None
) -> None:
    rows = [
        {
            "provider": slug,
            "title": provider.title_zh if language == "zh" else provider.title,
            "statement": kind.name,
            "what": kind.title,
        }
        | {"format": kind.url}
        for slug, provider in providers.items()
        for kind in provider.kinds
    ]
    if as_json:
        print_json(rows)
        return
    print_rows("providers", rows, language=language)
