"""What came of a whole run, as a page: `docs/crash.md`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tests.crash.rounds import Setting, Verdict

INTRODUCTION = """# Five hundred kills

`make crash` kills the bot with `SIGKILL`, at the boundaries between two steps of a turn's way and at any moment, while people on an
emulated Slack and an emulated Discord ask, edit and delete what they asked, press buttons and reset places; while deliveries come twice
and out of order, calls are refused, some of them after they took effect, and connections drop. Then it looks from the platform's side
whether every question is answered, whole, once, in the messages where its answer belongs (and what was edited, stopped or deleted is as
it should be), and whether the database, the ledger and what the model was told agree with that.

"""


def page(seed: str, verdicts: Sequence[Verdict]) -> str:
    """Raises nothing and hides nothing: faults are counted like the rest."""
    by_setting: dict[Setting, list[Verdict]] = {}
    deaths: Counter[str] = Counter()
    for verdict in verdicts:
        by_setting.setdefault(verdict.setting, []).append(verdict)
        deaths.update(verdict.killed)
    asked, faults = sum(one.asked for one in verdicts), sum(len(one.faults) for one in verdicts)
    hours = sum(one.seconds for one in verdicts) / 60
    said = f"The last whole run (`SEED={seed}`, {hours:.0f} minutes): {deaths.total()} kills, {asked:,} questions, {faults} faults.\n\n"
    head = (
        "| what is killed | kills | questions | edits, deletions, buttons, resets | troubles of the platforms | faults |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: |\n"
    )
    rows = "".join(_row(setting, mine) for setting, mine in by_setting.items())
    where = "\n## Where it died\n\n| | kills |\n| --- | ---: |\n"
    return (
        INTRODUCTION
        + said
        + head
        + rows
        + where
        + "".join(f"| {how} | {n} |\n" for how, n in deaths.most_common())
    )


def _row(setting: Setting, verdicts: Sequence[Verdict]) -> str:
    kills = sum(sum(one.killed.values()) for one in verdicts)
    asked, troubles = sum(one.asked for one in verdicts), sum(one.troubles for one in verdicts)
    whims, faults = sum(one.whims.total() for one in verdicts), sum(len(one.faults) for one in verdicts)
    return f"| {_described(setting)} | {kills} | {asked} | {whims} | {troubles} | {faults} |\n"


def _described(setting: Setting) -> str:
    number = {1: "one process", 2: "two processes", 4: "four processes"}[setting.processes]
    words = [f"{number} on {'PostgreSQL' if setting.postgres else 'SQLite'}"]
    words.append("Slack over HTTP" if setting.slack == "http" else "Slack's Socket Mode")
    if setting.away:
        words.append(
            "PostgreSQL restarted" if setting.away < 10 else f"PostgreSQL away for {setting.away:.0f} s"
        )
    return ", ".join(words)
