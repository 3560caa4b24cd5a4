"""What can happen to a statement on its way: functions from bytes to bytes.

Each knows a WeChat Pay bill by its back-ticks and a PayPal report by its SB rows.
"""

from itertools import pairwise
from random import Random


def _parts(data: bytes) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """The rows before the data, the data, and the rows after it, each with its line end."""
    rows = data.splitlines(keepends=True)
    if b'"SB"' in data:
        places = [place for place, row in enumerate(rows) if row.startswith(b'"SB"')]
    else:
        places = [place for place, row in enumerate(rows) if row.startswith(b"`")]
        if places and places[-1] == len(rows) - 1 and not rows[-2].startswith(b"`"):
            places.pop()  # the values of the summary
    if not places:
        raise ValueError("the statement has no rows")
    first, last = places[0], places[-1] + 1
    return rows[:first], rows[first:last], rows[last:]


def cut_at_row_boundary(data: bytes) -> bytes:
    """Lose the second half of the rows and all that follows: what is left looks complete."""
    head, rows, _ = _parts(data)
    return b"".join(head + rows[: len(rows) // 2])


def cut_in_row(data: bytes) -> bytes:
    """Lose everything from the middle of a row on, as a dropped connection does."""
    head, rows, _ = _parts(data)
    whole, broken = rows[: len(rows) // 2], rows[len(rows) // 2]
    return b"".join([*head, *whole, broken[: len(broken) // 2]])


def lose_rows(data: bytes, count: int = 1) -> bytes:
    """Lose rows from the middle and keep the totals that speak of them."""
    head, rows, tail = _parts(data)
    start = (len(rows) - count) // 2
    return b"".join(head + rows[:start] + rows[start + count :] + tail)


def shuffle_rows(data: bytes, seed: int) -> bytes:
    """The same rows in another order, between the same header and totals."""
    head, rows, tail = _parts(data)
    Random(seed).shuffle(rows)
    return b"".join(head + rows + tail)


def split_settlement_report(data: bytes, parts: int = 2) -> list[bytes]:
    """A PayPal report in several files: the head is repeated, the totals are in the last one."""
    head, rows, tail = _parts(data)
    if parts < 2 or len(rows) < parts:
        raise ValueError(f"{len(rows)} rows cannot be split into {parts} files")
    bounds = [len(rows) * part // parts for part in range(parts + 1)]
    made = []
    for part, (start, end) in enumerate(pairwise(bounds), start=1):
        opening = [b'"FH",%02d\n' % part if row.startswith(b'"FH"') else row for row in head]
        footer = [row for row in tail if not row.startswith(b'"FF"')] if part == parts else []
        count = b'"FF",%d\n' % (end - start)
        made.append(b"".join([*opening, *rows[start:end], *footer, count]))
    return made
