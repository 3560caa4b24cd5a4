"""`python -m tests.bench.parsing [--rows N] [--rounds N] [NAME...]`: how fast statements are read.

For every format a large statement is made, and read twice, each time in a process of its own: as it
is normalised (lines, rejects, control totals and balances), and as bare as can be: the same bytes
as text by Polars, camt.053 by an lxml `iterparse` that does nothing, JSON by `json`. The
command fails when a ratio is above the limit: 2 for tables, 1.5 for camt.053. Seconds and the ratio
are of both processors' time, which a busy machine changes little; the last ratio is by the clock.

Both begin where the other does: with the bytes in memory, or at a path where the file is too large
for that, and in UTF-8; what a file in another encoding costs to convert is in neither. The bare
read makes every cell a text and nothing else: no amount, no date, no id, no check of a row.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.parsing_files import FORMATS, Format

ROOT = Path(__file__).parents[2]
LIMITS = {"csv": 2.0, "iterparse": 1.5}  # for the others there is none


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m tests.bench.parsing")
    arguments.add_argument("--rows", type=int, default=200_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--one", nargs=2, help=argparse.SUPPRESS)  # (what, file), in a process
    arguments.add_argument("names", nargs="*")
    chosen = arguments.parse_args()
    formats = [one for one in FORMATS if any(name in one.name for name in chosen.names or [""])]
    if chosen.one:
        return _measured(formats[0], chosen.one[0], Path(chosen.one[1]))
    columns = (("MB", 7), ("bare s", 9), ("ours s", 9), ("ratio", 8), ("limit", 7), ("wall", 8),
               ("bare MB", 9), ("ours MB", 9))  # fmt: skip
    title = f"{chosen.rows:,} rows"
    print(f"{title:30}" + "".join(f"{name:>{width}}" for name, width in columns))
    over = [one.name for one in formats if not compare(one, chosen.rows, chosen.rounds)]
    print("within the limits" if not over else f"NOT within the limits: {', '.join(over)}")
    return 1 if over else 0


def compare(one: Format, rows: int, rounds: int) -> bool:
    """Print the figures of a format; answers whether it is within its limit."""
    with tempfile.TemporaryDirectory(prefix="recon-bench-") as folder:
        path = Path(folder) / "statement"
        one.write(path, rows)
        megabytes = path.stat().st_size / 1e6
        figures: dict[str, list[list[float]]] = {"bare": [], "ours": []}
        for _ in range(rounds):  # in turn, so that what else the machine does is in both
            for what, measured in figures.items():
                measured.append(_in_a_process(one, what, path))
    seconds, processor, memory = (
        [statistics.median(figure[place] for figure in figures[what]) for what in figures]
        for place in range(3)
    )
    ratio = processor[1] / processor[0]
    limit = LIMITS.get(one.baseline)
    shown = "-" if limit is None else f"{limit:.1f}"
    print(f"{one.name:28}{megabytes:9.1f}{processor[0]:9.2f}{processor[1]:9.2f}{ratio:8.2f}{shown:>7}"
          f"{seconds[1] / seconds[0]:8.2f}{memory[0]:9.0f}{memory[1]:9.0f}",
          flush=True)  # fmt: skip
    return limit is None or ratio <= limit


def _in_a_process(one: Format, what: str, path: Path) -> list[float]:
    """Seconds, seconds of processors, MB at the peak."""
    command = [sys.executable, "-m", "tests.bench.parsing", "--one", what, str(path), one.name]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    figures: list[float] = json.loads(done.stdout)
    return figures


def _measured(one: Format, what: str, path: Path) -> int:
    """Print the figures of one reading."""
    read = _ours(one, path) if what == "ours" else _bare(one, path)
    begun, used = time.perf_counter(), time.process_time()
    read()
    seconds, processor = time.perf_counter() - begun, time.process_time() - used
    print(
        json.dumps([seconds, processor, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024])
    )
    return 0


def _bare(one: Format, path: Path):  # type: ignore[no-untyped-def]
    if one.baseline == "json":
        return lambda: json.loads(path.read_text("utf-8"))
    if one.baseline == "iterparse":
        return lambda: _iterparse(path)
    import polars as pl

    from recon.io.inbox import content_of

    if one.baseline == "lines":
        return lambda: pl.scan_lines(path).collect(engine="streaming")
    text = path.read_bytes().decode(one.encoding).encode()  # the same text in UTF-8
    plain = path.with_suffix(".utf8")
    plain.write_bytes(text)
    source = content_of(plain, plain.name).scannable
    header = text.split(b"\n", one.skip + 1)[one.skip].decode()
    schema = {f"c{place}": pl.String() for place in range(len(header.split(one.separator)))}
    return lambda: pl.scan_csv(
        source, has_header=False, skip_lines=one.skip, separator=one.separator, schema=schema,
        truncate_ragged_lines=True, missing_columns="insert", extra_columns="ignore",
    ).collect(engine="streaming")  # fmt: skip


def _iterparse(path: Path) -> None:
    from lxml import etree

    for _, entry in etree.iterparse(path, tag="{*}Ntry"):
        entry.clear()
        while entry.getprevious() is not None:
            del entry.getparent()[0]


def _ours(one: Format, path: Path):  # type: ignore[no-untyped-def]
    """As a day is normalised; the file is found and looked at before the clock runs."""
    from recon.day import MemoryStore
    from recon.io.config import load_config
    from recon.io.encodings import in_utf8
    from recon.io.inbox import content_of
    from recon.providers import identify
    from recon.providers.contract import ReadContext

    providers = load_config(ROOT / "configs").providers
    content = content_of(path, path.name)
    provider, description = identify(content, providers)
    kind = provider.kind(description.kind)
    assert f"{provider.slug} {kind.name}" == one.name
    whole = in_utf8(content, description.encoding, path.parent)
    context = ReadContext(one.account if description.account is None else description.account,
                          kind.time_zone, description.period)  # fmt: skip
    store = MemoryStore()

    def read() -> None:
        made = kind.read(whole, context)
        _, (rejects, _, _) = store(
            {"lines": made.lines}, [made.rejects, made.controls, made.balances]
        )
        assert rejects.height == 0, rejects.head()

    return read


if __name__ == "__main__":
    sys.exit(main())
