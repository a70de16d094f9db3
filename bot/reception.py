"""What is said on the platforms, and what becomes of it: for us or not, a command or a question, filtered, accepted.

An adapter hands everything in here and acknowledges it only after the call returned: by then it is committed. Nothing unfiltered
goes past this file, neither into the store nor into a log.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.absence import selected
from bot.access import Lists
from bot.chat import (
    Author,
    Cancel,
    Content,
    File,
    Incoming,
    Invocation,
    Place,
    Size,
    Text,
    message_key,
    plain_text,
)
from bot.commands.settings import SettingsCommand
from bot.commands.table import VERBS, Commands, spoken_command
from bot.door import Door
from bot.errors import StoreUnavailable
from bot.notebook import Notebook
from bot.notices import kinds_text, language_of, notice, reference
from bot.ports import (
    Clock,
    Conversations,
    Form,
    Inbox,
    Outcome,
    Press,
    Pressed,
    Privacy,
    Receipt,
    Said,
    Source,
)
from bot.preferences import Answers, Decided, Overlap, Preferences, Scope
from bot.pressing import Pressing
from bot.privacy.filtering import Filtering
from bot.tokens.counting import Counter

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, as it came through the filter: kinds that were masked for good, or for which all of it is held back."""

    content: Content
    size: Size
    masked: tuple[str, ...]
    blocked: tuple[str, ...]


class FrontDesk:
    """Implements the `Reception` port."""

    def __init__(
        self,
        *,
        inbox: Inbox,
        pressing: Pressing,
        conversations: Conversations,
        commands: Commands,
        settings: SettingsCommand,
        filtering: Filtering,
        notebook: Notebook,
        counter: Counter,
        admins: Collection[str],
        language: str,
        queue: int,
        decided: Decided,
        privacy: Privacy,
        lists: Lists,
        silent: bool,
        clock: Clock,
    ) -> None:
        self._door = Door(conversations, inbox, privacy, lists, clock, silent=silent)
        self._inbox, self._conversations, self._commands = inbox, conversations, commands
        self._pressing, self._settings = pressing, settings
        self._filtering, self._counter, self._notebook = filtering, counter, notebook
        self._admins, self._language, self._queue, self._clock = admins, language, queue, clock
        self._decided = decided

    async def answers_in_thread(self, place: Place) -> bool:
        return (await self._decided.at(place)).answers is Answers.THREAD

    async def said(self, incoming: Incoming) -> Receipt:
        """A message: a command, a question, or none of ours."""
        receipt = await self._told_once(incoming, await self._said(incoming))
        self._notebook.note(incoming, receipt.outcome)
        return receipt

    async def _told_once(self, incoming: Incoming, receipt: Receipt) -> Receipt:
        """Why something is no turn is told once, however often it is delivered, and stays so."""
        if receipt.said is None or receipt.outcome is Outcome.COMMAND:
            return receipt
        first = await self._inbox.once(incoming.told, self._clock())
        return receipt if first else Receipt(Outcome.DUPLICATE)

    async def _said(self, incoming: Incoming, missed: int = 0) -> Receipt:
        """`missed`: so many more than usual may wait."""
        if not await self._door.addressed(incoming):
            return Receipt(Outcome.NOT_ADDRESSED)
        incoming = replace(incoming, author=self._known(incoming.place, incoming.author))
        language = self._speak(incoming.author)
        holds = await self._decided.at(incoming.place)
        if (command := _command(incoming)) is not None:
            return await self._spoken(incoming, *command, language)
        if (why_not := await self._door.why_not(incoming, holds)) is not None:
            return await self._door.turn_away(incoming, why_not, language)
        incoming = await self._door.without_silent(incoming)
        if not incoming.text.strip():
            return Receipt(
                Outcome.EMPTY, Said(notice("empty_mention", language)) if incoming.mentioned else None
            )
        whose = replace(incoming, place=_whose(incoming.place, incoming.author, holds))
        return await self._accept(whose, holds, language, self._queue + missed)

    async def edited(self, incoming: Incoming) -> Receipt:
        """A message was changed. Its answer is rewritten; a message that names the bot only now is a new question, and so is one that
        overtakes itself: then the older words that come later are known already."""
        receipt = await self._told_once(incoming, await self._edited(incoming))
        if receipt.outcome is not Outcome.DUPLICATE:
            self._notebook.note(incoming, receipt.outcome)
        return receipt

    async def _edited(self, incoming: Incoming) -> Receipt:
        incoming = replace(incoming, author=self._known(incoming.place, incoming.author))
        holds = await self._decided.at(incoming.place)
        if (why_not := await self._door.why_not(incoming, holds)) is not None:
            return Receipt(why_not)
        incoming = await self._door.without_silent(incoming)
        if not incoming.text.strip():
            return Receipt(Outcome.EMPTY)
        known = await self._inbox.known([incoming.key])
        if not known and not (incoming.mentioned or await self._door.overtakes(incoming)):
            return Receipt(Outcome.UNKNOWN_EDIT)
        place = _whose(incoming.place, incoming.author, holds)
        question = await self._filtered(replace(incoming, place=place))
        if question.blocked:
            return self._blocked(question, self._speak(incoming.author))
        amended = await self._inbox.amend(
            incoming,
            question.content,
            masked=question.masked,
            size=question.size,
            counter=self._counter.name,
            now=self._clock(),
        )
        if amended is not None:
            return Receipt(Outcome.ACCEPTED if amended.created else Outcome.DUPLICATE)
        if incoming.mentioned or not known:
            return await self._said(incoming)
        await self._filtering.forget(incoming.key)
        return Receipt(Outcome.UNKNOWN_EDIT)

    async def missed(
        self, found: Sequence[Incoming], *, back: datetime, not_before: datetime, most: int
    ) -> int:
        """What stands in the history of a time when nobody listened. Nothing is said at once, and no command is run so late. What was
        left out or turned away once stays so, however often it is found; what was said since somebody is `back` may just be on its
        way, and is left to that. What one person said waits, however much it is: nobody was there to tell them to ask later."""
        taken = 0
        for incoming, why_not in selected(await self._asking(found), not_before, most):
            if why_not is not None:
                if incoming.sent_at < back:
                    await self._inbox.once(incoming.told, self._clock())
                    self._notebook.note(incoming, why_not)
            else:
                outcome = (await self._said(incoming, most)).outcome
                self._notebook.note(incoming, outcome)
                taken += outcome is Outcome.ACCEPTED
        return taken

    async def _asking(self, found: Sequence[Incoming]) -> Sequence[Incoming]:
        """The questions among them of which nothing is known; what is known and was edited meanwhile is asked anew."""
        known = await self._inbox.known([key for incoming in found for key in (incoming.key, incoming.told)])
        asking = []
        for incoming in found:
            if incoming.key in known:
                if incoming.revision:
                    await self.edited(incoming)
            elif incoming.told in known:
                continue
            elif not await self._door.addressed(incoming):
                self._notebook.note(incoming, Outcome.NOT_ADDRESSED)
            elif await self._door.wants_nothing(incoming.place, incoming.author):
                continue
            elif _command(incoming) is not None:
                self._notebook.note(incoming, Outcome.COMMAND_MISSED)
            else:
                asking.append(incoming)
        return asking

    async def deleted(self, place: Place, message: str) -> None:
        """A question is gone: its answer is called off, its words are forgotten.

        Deliveries overtake each other: the question itself may come after this, so that it was deleted is written down first.
        """
        await self._inbox.once(_deletion(place, message), self._clock())
        await self._inbox.cancel(Cancel.DELETED, place=place, message=message)

    async def invoked(self, invocation: Invocation) -> Said:
        """A slash command; its effect comes once. Nobody would deliver it again, so that a database that is away is told of."""
        language = self._speak(invocation.author)
        try:
            if not await self._inbox.once(invocation.key, self._clock()):
                return Said(notice("gone", language))
        except StoreUnavailable as error:
            return _away(error, language)
        log.info("command %s on %s", invocation.verb[:20], invocation.place.platform)
        return await self._run(invocation, language)

    async def complete(self, invocation: Invocation) -> Sequence[str]:
        return self._commands.complete(invocation)

    async def form(self, invocation: Invocation) -> Form | Said:
        known = replace(invocation, author=self._known(invocation.place, invocation.author))
        return await self._settings.form(known, self._speak(invocation.author))

    async def submitted(self, invocation: Invocation, values: Mapping[str, str]) -> Said | Mapping[str, str]:
        known = replace(invocation, author=self._known(invocation.place, invocation.author))
        log.info("form %s on %s", invocation.verb[:20], invocation.place.platform)
        return await self._settings.submitted(known, values, self._speak(invocation.author))

    async def pressed(self, invocation: Invocation, press: Press) -> Pressed:
        known = replace(invocation, author=self._known(invocation.place, invocation.author))
        language = self._speak(invocation.author)
        try:
            holds = await self._decided.at(invocation.place)
            if (why_not := await self._door.why_not(known, holds)) is not None:
                return Pressed(Said(notice(why_not, language)))
            return await self._pressing.pressed(known, press, language)
        except StoreUnavailable as error:
            return Pressed(_away(error, language))

    async def stopped(self, invocation: Invocation, root: str) -> Said | None:
        place, author = invocation.place, self._known(invocation.place, invocation.author)
        if await self._inbox.seen(invocation.key):
            return None
        owner, until = None if author.admin else author.id, invocation.given_at
        done = await self._inbox.cancel(Cancel.STOPPED, place=place, author=owner, until=until)
        done += await self._inbox.cancel(Cancel.STOPPED, place=place, message=root, author=owner, until=until)
        # Written down only now: else it is lost if this process dies.
        await self._inbox.once(invocation.key, self._clock())
        return None if done else Said(notice("gone", self._speak(author)))

    async def removed(self, platform: str, installation: str) -> None:
        log.warning("the bot was removed from %s %s", platform, installation)
        await self._conversations.revoke(platform, installation, self._clock())

    async def _spoken(self, incoming: Incoming, verb: str, argument: str, language: str) -> Receipt:
        if not await self._inbox.once(incoming.key, self._clock()):
            return Receipt(Outcome.DUPLICATE)
        invocation = Invocation(
            incoming.key,
            incoming.place,
            incoming.author,
            verb,
            argument,
            incoming.direct,
            incoming.named,
            incoming.about,
            incoming.sent_at,
        )
        log.info("command %s on %s", verb, incoming.place.platform)
        return Receipt(Outcome.COMMAND, await self._run(invocation, language))

    async def _run(self, invocation: Invocation, language: str) -> Said:
        """A command, by whoever may give it, on the conversation that is theirs."""
        try:
            return await self._admitted(invocation, language)
        except StoreUnavailable as error:
            return _away(error, language)

    async def _admitted(self, invocation: Invocation, language: str) -> Said:
        author = self._known(invocation.place, invocation.author)
        holds = await self._decided.at(invocation.place)
        command = VERBS.get(invocation.verb)
        if command is not None and command.inside:
            why_not = await self._door.why_not(replace(invocation, author=author), holds)
            if why_not is not None:
                return Said(notice(why_not, language))
        place = _whose(invocation.place, author, holds)
        argument = _with_ids(invocation.argument, invocation.named)
        meant = replace(invocation, author=author, place=place, argument=argument)
        return await self._commands.run(meant, language)

    async def _accept(self, incoming: Incoming, holds: Preferences, language: str, queue: int) -> Receipt:
        question = await self._filtered(incoming)
        if question.blocked:
            return self._blocked(question, language)
        name = await self._filtering.name(incoming.place, incoming.author.name, Source.of(incoming))
        accepted = await self._inbox.accept(
            replace(incoming, author=replace(incoming.author, name=name)),
            question.content,
            masked=question.masked,
            size=question.size,
            counter=self._counter.name,
            now=self._clock(),
            queue=queue,
        )
        if accepted is None or not accepted.turn:
            await self._filtering.forget(incoming.key)
        if accepted is None:
            crowded = notice("crowded", language, count=queue, position=queue + 1)
            return Receipt(Outcome.CROWDED, Said(crowded))
        if accepted.created and accepted.position and holds.overlap is Overlap.INTERRUPT:
            await self._inbox.interrupt(accepted.turn)
        if await self._inbox.seen(_deletion(incoming.place, incoming.message)):
            await self._inbox.cancel(Cancel.DELETED, turn=accepted.turn)
        return Receipt(Outcome.ACCEPTED if accepted.created else Outcome.DUPLICATE)

    async def _filtered(self, incoming: Incoming) -> Question:
        """What was asked as it may be stored and sent, and its size."""
        parts = incoming.content
        texts = [part.text if isinstance(part, Text) else part.name for part in parts]
        whose = [part.quotes for part in parts]
        found = await self._filtering.words(incoming.place, texts, Source.of(incoming), whose)
        content = tuple(
            [await self._told(part, text, incoming) for part, text in zip(parts, found.texts, strict=False)]
        )
        size = self._counter.measure(plain_text(content))
        return Question(content, size, found.masked, found.blocked)

    def _blocked(self, question: Question, language: str) -> Receipt:
        """Nothing of it is stored or sent; its author is told why, but none of the words."""
        kinds = kinds_text(question.blocked, language)
        return Receipt(Outcome.BLOCKED, Said(notice("blocked", language, kinds=kinds)))

    async def _told(self, part: Text | File, text: str, incoming: Incoming) -> Text | File:
        """A part with its filtered text, or name."""
        if isinstance(part, File):
            return replace(part, name=text)
        if not part.quotes:
            return Text(text)
        theirs = replace(Source.of(incoming), person=part.quotes)
        name = await self._filtering.name(incoming.place, part.name, theirs)
        return Text(text, part.quotes, name)

    def _speak(self, author: Author) -> str:
        return language_of(author.language, self._language)

    def _known(self, place: Place, author: Author) -> Author:
        """The same, known as an admin also where only the operator says so."""
        return replace(author, admin=author.admin or f"{place.platform}:{author.id}" in self._admins)


def _away(error: StoreUnavailable, language: str) -> Said:
    number = reference()
    log.warning("a command waited for the database in vain (%s, reference %s)", error, number)
    return Said(notice(error.code, language, reference=number))


def _whose(place: Place, author: Author, holds: Preferences) -> Place:
    """The place, as the person's own where each has a conversation of their own."""
    return replace(place, person=author.id) if holds.scope is Scope.USER else place


def _with_ids(text: str, named: Mapping[str, str]) -> str:
    """A command's argument with people and roles by their ids, longer names first: `@Ada Lovelace` is not `@Ada`."""
    for name in sorted(named, key=len, reverse=True):
        text = text.replace(name, named[name])
    return text


def _command(incoming: Incoming) -> tuple[str, str] | None:
    if not (incoming.mentioned or incoming.direct):
        return None
    return spoken_command(incoming.words, called=incoming.called)


def _deletion(place: Place, message: str) -> str:
    return f"deleted:{message_key(place, message)}"
