"""Find sensitive data, in a whole text and in one that grows, and mask it or exchange it for placeholders that can be put
back. Pure: no files, no network, no clock."""

from __future__ import annotations

from bot.redaction.actions import ActionsError, Policy, SortedOut, parse_actions, sort_out
from bot.redaction.findings import Finding, Found, Masked, Piece
from bot.redaction.kinds import KINDS, TYPED, Action, Kind
from bot.redaction.placeholders import (
    Mention,
    MentionStream,
    begin_of,
    escaped,
    kind_and_number,
    mentions,
    name,
    named_in,
    restore,
)
from bot.redaction.redactor import HOLD_LIMIT, MaskingStream, PieceStream, Redactor
from bot.redaction.words import FilterWordsError, OperatorWords, parse_words

__all__ = [
    "HOLD_LIMIT",
    "KINDS",
    "TYPED",
    "Action",
    "ActionsError",
    "FilterWordsError",
    "Finding",
    "Found",
    "Kind",
    "Masked",
    "MaskingStream",
    "Mention",
    "MentionStream",
    "OperatorWords",
    "Piece",
    "PieceStream",
    "Policy",
    "Redactor",
    "SortedOut",
    "begin_of",
    "escaped",
    "kind_and_number",
    "mentions",
    "name",
    "named_in",
    "parse_actions",
    "parse_words",
    "restore",
    "sort_out",
]
