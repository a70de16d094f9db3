"""What the vault and the filter do with placeholders, in memory, for tests of the pure parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.redaction import Found, Mention, MentionStream, kind_and_number, mentions, name


class Pseudonyms:
    """One conversation's placeholders, in memory. `fresh` are those given since this was made.

    `known` has every one ever given in the conversation; one whose original was deleted has None for it, so that its
    number is not given to another.
    """

    def __init__(self, known: Mapping[str, Found] | None = None) -> None:
        self.fresh: dict[str, Found] = {}
        self._known = dict(known or {})
        self._names = {found: name for name, found in self._known.items()}
        self._last: dict[str, int] = {}
        for given, found in self._known.items():
            self._last[found.kind] = max(self._last.get(found.kind, 0), kind_and_number(given)[1])

    def name(self, found: Found) -> str:
        """The placeholder of this finding: always the same for the same original."""
        if found not in self._names:
            self._last[found.kind] = self._last.get(found.kind, 0) + 1
            given = name(found.kind, self._last[found.kind])
            self._names[found] = given
            self._known[given] = self.fresh[given] = found
        return self._names[found]

    def names(self, wanted: Iterable[Found]) -> dict[Found, str]:
        return {found: self.name(found) for found in wanted}

    @property
    def originals(self) -> dict[str, str]:
        return {name: found.original for name, found in self._known.items() if found.original is not None}


class Restorer:
    """Puts the originals into a growing text: all that `feed` and `finish` gave is what `restore` gives for the whole."""

    def __init__(self, originals: Mapping[str, str]) -> None:
        self.originals = originals  # may grow too
        self._mentions = MentionStream()

    def feed(self, text: str) -> str:
        """Add a piece; what of the text can be shown in addition to what was given before."""
        return _joined(self._mentions.feed(text), self.originals)

    def finish(self) -> str:
        """The rest, when no more comes."""
        return _joined(self._mentions.finish(), self.originals)


def _joined(pieces: Iterable[str | Mention], originals: Mapping[str, str]) -> str:
    return "".join(one if isinstance(one, str) else originals.get(one.name, one.written) for one in pieces)


def put_back(text: str, originals: Mapping[str, str]) -> str:
    """A model's text with the originals in place of the placeholders, however it wrote them."""
    return _joined(mentions(text), originals)
