"""`python -m tests.generator samples` and `python -m tests.generator day ...`."""

import argparse
import sys
from datetime import date
from pathlib import Path

from tests.generator import samples
from tests.generator.day import generate_day
from tests.generator.spec import ACCOUNT, PLANTABLE, DaySpec, default_plants
from tests.generator.writing import write_day, write_files


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.generator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    again = commands.add_parser("samples", help="write sample_statements/ again")
    again.add_argument("--out", type=Path, default=samples.FOLDER)
    day = commands.add_parser("day", help="write one day of any size, with its ledger and labels")
    day.add_argument("--provider", choices=sorted(ACCOUNT), required=True)
    day.add_argument("--account", help="default: the account of the samples")
    day.add_argument("--rows", type=int, required=True)
    day.add_argument("--seed", type=int, default=1)
    day.add_argument("--date", type=date.fromisoformat, required=True)
    day.add_argument("--out", type=Path, required=True)
    day.add_argument("--fund-flow", action="store_true", help="WeChat Pay: the second bill as well")
    day.add_argument("--carry-in", type=int, default=0)
    day.add_argument("--carry-out", type=int, default=0)
    day.add_argument(
        "--plant",
        action="append",
        metavar="TYPE=COUNT",
        help="plant these only; TYPE=0 for a clean day; default: a mix that grows with the rows",
    )
    return parser.parse_args()


def _plants(arguments: argparse.Namespace) -> dict[str, int]:
    if arguments.plant is None:
        return default_plants(arguments.provider, arguments.rows)
    plants = {}
    for text in arguments.plant:
        name, _, count = text.partition("=")
        if name not in PLANTABLE[arguments.provider] or not count.isdigit():
            known = ", ".join(PLANTABLE[arguments.provider])
            sys.exit(f"--plant {text}: write TYPE=COUNT, TYPE one of {known}")
        plants[name] = int(count)
    return plants


def main() -> None:
    arguments = _arguments()
    if arguments.command == "samples":
        made = samples.sample_files()
        write_files(made, arguments.out)
        print(f"{len(made)} files in {arguments.out}")
        return
    spec = DaySpec(
        provider=arguments.provider,
        account=arguments.account or ACCOUNT[arguments.provider],
        business_date=arguments.date,
        rows=arguments.rows,
        seed=arguments.seed,
        plants=_plants(arguments),
        carry_in=arguments.carry_in,
        carry_out=arguments.carry_out,
        with_fund_flow=arguments.fund_flow,
    )
    for path in write_day(generate_day(spec), arguments.out):
        print(path)


if __name__ == "__main__":
    main()
