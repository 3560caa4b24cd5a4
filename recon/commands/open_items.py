"""`recon open-items` and `recon changes`: what is carried over, and what reruns have changed."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from recon import console
from recon.commands.common import CHOSEN, COMMON, Chosen, Common, open_workspace
from recon.errors import UserError


def open_items(
    *,
    chosen: Chosen = CHOSEN,
    buckets: Annotated[str, Parameter(help="last day of each age but the oldest")] = "1,3,7,30",
    out: Annotated[Path | None, Parameter(help="write the items to .csv, .jsonl, .parquet")] = None,
    common: Common = COMMON,
) -> int:
    """Opening + new - cleared - written off = closing, and how old the open items are."""
    from recon.io.open_items import open_items as stated

    period = chosen.period
    workspace = open_workspace(common)
    accounts = chosen.accounts(workspace)
    found = stated(workspace.database, accounts, period, _bounds(buckets))
    if common.json:
        console.show_frames(
            {
                "statement": found.rolled,
                "ages": found.ages,
                "items": found.items,
                "cleared": found.cleared,
                "written_off": found.written_off,
            }
        )
    else:
        amounts = [name for name in found.rolled.columns if not name.endswith("_count")]
        shown = found.rolled.select(*amounts, open="closing_count")
        shown = shown.rename({name: name.removesuffix("_amount") for name in amounts})
        console.show_frame(shown, "open_items", as_json=False, language=common.lang, about=period)
        ages = found.ages.rename({"age": "age_days"})
        console.show_frame(ages, "ages", as_json=False, language=common.lang, about=period.last)
        if found.cleared.height:
            cleared = found.cleared.drop("account", "txn_id", "kind")
            console.show_frame(cleared, "cleared", as_json=False, language=common.lang)
        if found.written_off.height:
            names = "case_id account type currency amount effective_on approved_by booking_account"
            gone = found.written_off.select(names.split())
            console.show_frame(gone, "written_off", as_json=False, language=common.lang)
    if out is not None:
        from recon.io.export import write_frame

        write_frame(found.items, out)
        console.complain(f"{found.items.height:,} open items written to {out}")
    if found.untied.height:
        console.complain("it does not add up: a day of the range is stale; rerun with --cascade")
        return 3
    return 0


def changes(
    *,
    chosen: Chosen = CHOSEN,
    out: Annotated[Path | None, Parameter(help="write them to .csv, .jsonl or .parquet")] = None,
    common: Common = COMMON,
) -> int:
    """What reruns of a day or a range found otherwise than the runs they superseded."""
    import polars as pl

    from recon.io.changes import changes_of

    period = chosen.period
    workspace = open_workspace(common)
    parts = [
        changes_of(workspace.database, period, one.provider, one.account)
        for one in chosen.accounts(workspace)
    ]
    reruns, rows = (pl.concat(frames).sort("change_id") for frames in zip(*parts, strict=True))
    if out is not None:
        from recon.io.export import write_frame

        named = reruns.drop("new", "cleared", "changed")
        write_frame(named.join(rows, on="change_id", how="inner"), out)
        console.show_written(rows.height, "changes", out, as_json=common.json)
    elif common.json:
        console.show_frames({"reruns": reruns, "changes": rows})
    elif reruns.height == 0:
        print(f"no run of {period} was superseded")
    else:
        console.show_frame(reruns, "reruns", as_json=False, language=common.lang)
        shown = rows.drop("explanation")
        console.show_frame(shown, "what_they_changed", as_json=False, language=common.lang)
    return 0


def _bounds(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    bounds = tuple(int(part) for part in parts if part.isdecimal())
    if len(bounds) != len(parts) or sorted(set(bounds)) != list(bounds):
        raise UserError(f"--buckets {text}: write rising numbers of days, like 1,3,7,30")
    return bounds
