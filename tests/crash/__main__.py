"""`python -m tests.crash [--kills 500] [--seed N] [--setting NAME]`: rounds of so many kills in all, each with a seed of its own."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import sys
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from bot.tokens import vocabularies
from tests.crash.page import page
from tests.crash.rounds import SETTINGS, Verdict, play
from tests.postgres import postgres_server

PER_ROUND = 25
WHOLE = 500


async def main() -> int:
    options = arguments()
    seed = options.seed or str(random.randrange(10**6))
    print(
        f"SEED={seed} (make crash SEED={seed} plays the same rounds; --round N only one of them)", flush=True
    )
    names = [options.setting] if options.setting else list(SETTINGS)
    rounds = zip(range(options.rounds(PER_ROUND)), itertools.cycle(names), strict=False)
    verdicts: list[Verdict] = []
    with ExitStack() as stack:
        postgres = stack.enter_context(postgres_server())
        for number, name in rounds:
            if options.round is not None and number != options.round:
                continue
            setting = SETTINGS[name]
            if options.whims is not None:
                setting = replace(setting, whims=options.whims)
            each = min(PER_ROUND, options.kills)
            verdict = await play(setting, each, f"{seed}/{number}", postgres, first=number * each // 2)
            verdicts.append(verdict)
            print(verdict, *verdict.faults, sep="\n    ", flush=True)
            if verdict.faults and options.logs:
                Path(options.logs).mkdir(parents=True, exist_ok=True)
                Path(options.logs, f"{seed}-{number}-{name}.log").write_text(verdict.output)
    if options.page and options.whole:
        Path(options.page).write_text(page(seed, verdicts), encoding="utf-8")
    return summary(verdicts)


def summary(verdicts: list[Verdict]) -> int:
    deaths: Counter[str] = Counter()
    for verdict in verdicts:
        deaths.update(verdict.killed)
    for how, count in deaths.most_common():
        print(f"{count:5} killed {how}")
    faults = sum(len(verdict.faults) for verdict in verdicts)
    asked = sum(verdict.asked for verdict in verdicts)
    print(f"{deaths.total()} kills, {asked} questions, {faults} faults")
    return 1 if faults else 0


class Options(argparse.Namespace):
    kills: int
    seed: str
    setting: str
    round: int | None
    whims: float | None
    logs: str
    page: str

    @property
    def whole(self) -> bool:
        """Whether it is a run of all that there is."""
        return self.kills >= WHOLE and not self.setting and self.round is None

    def rounds(self, each: int) -> int:
        return -(-self.kills // each)


def arguments() -> Options:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=WHOLE)
    parser.add_argument("--seed", default="")
    parser.add_argument("--setting", choices=SETTINGS, default="")
    parser.add_argument("--round", type=int)
    parser.add_argument("--whims", type=float, help="share of questions about which people do more than wait")
    parser.add_argument("--logs", default="", help="folder for the logs of rounds with faults")
    parser.add_argument("--page", default="", help="file that a whole run is told of in")
    return parser.parse_args(namespace=Options())


if __name__ == "__main__":
    vocabularies.ensure(Path(__file__).parents[2] / ".cache" / "vocabularies")
    sys.exit(asyncio.run(main()))
