"""The boundaries between the steps of a turn's way (docs/architecture.md), by the functions that take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

When = Literal["before", "after", "after_some"]


@dataclass(frozen=True)
class Step:
    """One boundary. `most`: it is drawn how many times it is let pass before, up to this."""

    name: str
    where: str
    when: When
    most: int = 3

    def at(self, time: int) -> str:
        """For the blade: at the n-th time."""
        return f"{self.where}:{self.when}:{time}"


def _around(what: str, where: str, most: int = 3) -> tuple[Step, Step]:
    return Step(f"before {what}", where, "before", most), Step(f"after {what}", where, "after", most)


EVERYWHERE: Final = (
    *_around("the question is committed", "storage.turns:Turns.accept"),
    Step("before a claim", "storage.turns:Turns.claim", "before", 6),
    Step("after a claim", "storage.turns:Turns.claim", "after_some"),
    *_around("the context is fitted", "bot.recall:Recall.prompt_for"),
    *_around("the call is reserved", "storage.ledger:SqlLedger.reserve"),
    Step("while the model speaks", "bot.growing:Growing.add", "after", 60),
    *_around("an intent is recorded", "storage.journal:TurnJournal.intend"),
    *_around("a message's id is recorded", "storage.journal:TurnJournal.posted"),
    *_around("a finished part is recorded", "storage.journal:TurnJournal.finished", 2),
    *_around("the call is settled", "storage.ledger:SqlLedger.settle"),
    *_around("the answer is stored", "storage.turns:Turns.answered"),
    *_around("the last edit", "adapters.delivery.reply:EditedReply.finish"),
    *_around("the turn is closed", "storage.turns:Turns.close"),
    *_around("the lease is renewed", "storage.turns:Turns.renew"),
)
ON_SQLITE: Final = _around("abandoned turns are freed at the start", "storage.turns:Turns.void_leases", 1)
ON_SLACK: Final = (
    *_around("a message is posted on Slack", "adapters.slack.surface:SlackSurface.post"),
    *_around("a message is edited on Slack", "adapters.slack.surface:SlackSurface.edit", 6),
    *_around("lost messages are looked for on Slack", "adapters.slack.surface:SlackSurface.find", 1),
)
ON_DISCORD: Final = (
    *_around("a message is posted on Discord", "adapters.discord.surface:DiscordSurface.post"),
    *_around("a message is edited on Discord", "adapters.discord.surface:DiscordSurface.edit", 6),
    *_around("lost messages are looked for on Discord", "adapters.discord.surface:DiscordSurface.find", 1),
)
BY_WHIM: Final = (
    *_around("an edit is committed", "storage.turns:Turns.amend", 1),
    *_around("a deletion is committed", "storage.turns:Turns.cancel", 1),
    *_around("a Stop is committed", "storage.pressing:SqlVersions.stop", 1),
    *_around("a question is asked again", "storage.pressing:SqlVersions.ask_again", 1),
    *_around("an answer is to be gone on with", "storage.pressing:SqlVersions.go_on", 1),
    *_around("a reset is committed", "storage.conversations:SqlConversations.reset", 1),
    *_around("an answer is withdrawn", "adapters.delivery.reply:EditedReply.withdraw", 1),
    *_around("a turn is given back", "storage.turns:Turns.release", 1),
)
"""Where people do more than ask."""
STEPS: Final = (*EVERYWHERE, *ON_SQLITE, *ON_SLACK, *ON_DISCORD, *BY_WHIM)
