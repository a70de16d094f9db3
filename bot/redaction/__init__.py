"""Find and mask sensitive data, in a whole text and in one that grows. Pure: no files, no network, no clock."""

from __future__ import annotations

from bot.redaction.findings import Finding, Masked
from bot.redaction.redactor import MaskingStream, Redactor
from bot.redaction.words import FilterWordsError, OperatorWords, parse_words

__all__ = [
    "FilterWordsError",
    "Finding",
    "Masked",
    "MaskingStream",
    "OperatorWords",
    "Redactor",
    "parse_words",
]
