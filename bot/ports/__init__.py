"""What the bot needs from outside, as narrow capabilities. Stores live in `storage/`, replies in `adapters/`,
providers in `bot/providers/`; the fakes in `tests/fakes.py` really work and need no inheritance either.

Every store verb is one transaction. A database that does not answer raises `StoreUnavailable`; nothing else of it shows.

model       the models: an API of a vendor, and what is learned of its counting
platforms   the platforms: what an adapter can do, and what it may ask of the bot
turns       the turns, from the moment one is taken in until it is closed
privacy     what people may have done with what is kept of them
records     what became of messages, for operators and for who asks why
memory      what is remembered of conversations
decisions   what admins decided by command, and the record of who did
attendance  where somebody listened, and what was said while nobody did
ledger      what a call may cost, what it did cost, and who waits for the provider
reports     what was spent, by whom and on what
vault       the originals that placeholders stand for
values      types that several ports use
versions    answers that are there already, and what can be done with them
"""

from bot.ports.attendance import Attendance, Gap, Heard, History, Page
from bot.ports.decisions import Change, Level, Levels, PreferenceStore, Ruling, Rulings
from bot.ports.ledger import Call, Charge, Ledger, Line, Meter, Settlement, Spent, Taken, Ticket, Warned
from bot.ports.memory import Beginning, Cached, Conversations, Forgotten, Memory, Stretch
from bot.ports.model import Calibrations, Provider
from bot.ports.platforms import (
    REFUSED,
    Adapter,
    Attached,
    Button,
    Control,
    Fetched,
    Field,
    Form,
    Journal,
    Offer,
    Outcome,
    Press,
    Pressed,
    Receipt,
    Reception,
    Reply,
    Said,
    Shortcut,
    Slash,
    Word,
)
from bot.ports.privacy import Erased, Kept, Privacy, Retention, Who
from bot.ports.records import Fate, Records, Story, Verdict, Waiting
from bot.ports.reports import OTHERS, By, Health, Reports, Row, Whose
from bot.ports.turns import Accepted, Inbox, Pulse, Renewal, Signal, Topic
from bot.ports.values import Clock, Hook, Json
from bot.ports.vault import Numbered, Original, Source, Vault
from bot.ports.versions import Effect, Rated, Versions

__all__ = [
    "OTHERS",
    "REFUSED",
    "Accepted",
    "Adapter",
    "Attached",
    "Attendance",
    "Beginning",
    "Button",
    "By",
    "Cached",
    "Calibrations",
    "Call",
    "Change",
    "Charge",
    "Clock",
    "Control",
    "Conversations",
    "Effect",
    "Erased",
    "Fate",
    "Fetched",
    "Field",
    "Forgotten",
    "Form",
    "Gap",
    "Health",
    "Heard",
    "History",
    "Hook",
    "Inbox",
    "Journal",
    "Json",
    "Kept",
    "Ledger",
    "Level",
    "Levels",
    "Line",
    "Memory",
    "Meter",
    "Numbered",
    "Offer",
    "Original",
    "Outcome",
    "Page",
    "PreferenceStore",
    "Press",
    "Pressed",
    "Privacy",
    "Provider",
    "Pulse",
    "Rated",
    "Receipt",
    "Reception",
    "Records",
    "Renewal",
    "Reply",
    "Reports",
    "Retention",
    "Row",
    "Ruling",
    "Rulings",
    "Said",
    "Settlement",
    "Shortcut",
    "Signal",
    "Slash",
    "Source",
    "Spent",
    "Story",
    "Stretch",
    "Taken",
    "Ticket",
    "Topic",
    "Vault",
    "Verdict",
    "Versions",
    "Waiting",
    "Warned",
    "Who",
    "Whose",
    "Word",
]
