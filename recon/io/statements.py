"""A look at any statement: its canonical lines, rejects and control totals, without a workspace."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from recon.errors import StatementError
from recon.io import archives
from recon.io.encodings import in_utf8
from recon.io.inbox import content_of
from recon.providers import identify, provider_named
from recon.providers.contract import (
    Content,
    Provider,
    ReadContext,
    StatementKind,
    encoding_of,
)
from recon.tables import CONTROL_TOTAL, REJECT, STATEMENT_LINE, empty


@dataclass(frozen=True)
class NormalizedFiles:
    """What `recon normalize` shows: one row a file, and the canonical tables of all of them."""

    files: pl.DataFrame  # name, provider, kind, account, line_count, reject_count, controls_tie
    lines: pl.DataFrame
    rejects: pl.DataFrame
    controls: pl.DataFrame

    @property
    def is_sound(self) -> bool:
        return self.rejects.height == 0 and bool(self.files["controls_tie"].all())


def normalize_files(
    paths: Sequence[Path],
    *,
    provider: str | None,
    account: str | None,
    time_zone: str | None,
    providers: Mapping[str, Provider] | None = None,
    keys: archives.Keys = archives.NO_KEYS,
) -> NormalizedFiles:
    """Read statements of any kind, also packed or encrypted ones.

    `providers` are those to ask, by default all that have code. Errors: StatementError for a file
    nobody can read.
    """
    if provider is not None:
        provider_named(provider, providers)
    facts, frames = [], []
    for name, content in _contents(paths, keys):
        found, description = identify(content, providers)
        if provider is not None and found.slug != provider:
            raise StatementError(
                f"{name}: this is a {found.slug} {description.kind} statement, "
                f"not one of {provider}"
            )
        kind = found.kind(description.kind)
        whose = account or description.account
        context = ReadContext(whose if description.account is None else account,
                              time_zone or kind.time_zone)  # fmt: skip
        lines, rejects, controls = _read(content, kind, context)
        frames.append((lines, rejects, controls))
        ties = bool((controls["stated"] == controls["computed"]).fill_null(value=False).all())
        of_lines = ", ".join(sorted(filter(None, lines["account"].unique()))) or whose
        facts.append((name, found.slug, kind.name, of_lines, lines.height, rejects.height, ties))
    columns = ["name", "provider", "kind", "account", "line_count", "reject_count", "controls_tie"]
    return NormalizedFiles(
        pl.DataFrame(facts, schema=columns, orient="row"),
        *(
            pl.concat([empty(schema), *(frame[place] for frame in frames)])
            for place, schema in enumerate((STATEMENT_LINE, REJECT, CONTROL_TOTAL))
        ),
    )


def _contents(paths: Iterable[Path], keys: archives.Keys) -> Iterator[tuple[str, Content]]:
    """What is in the files, by name; what an archive holds is there until the next is asked for."""
    for path in paths:
        if archives.form_of(path) is None:
            yield path.name, content_of(path, path.name)
            continue
        with (
            TemporaryDirectory(prefix="recon-") as folder,
            archives.unpacked(path, Path(folder), keys) as members,
        ):
            for name, member in members:
                yield name, content_of(member, name)


def _read(
    content: Content, kind: StatementKind, context: ReadContext
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    with TemporaryDirectory(prefix="recon-") as folder:
        reading = kind.read(in_utf8(content, encoding_of(kind, content), Path(folder)), context)
        try:
            lines, rejects, controls = pl.collect_all(
                [reading.lines, reading.rejects, reading.controls], engine="streaming"
            )
        except pl.exceptions.ComputeError as error:
            raise StatementError(f"{content.name}: {str(error).splitlines()[0]}") from None
    return lines, rejects, controls
