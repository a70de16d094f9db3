"""What becomes of what was found: masked for good, exchanged for a placeholder, or the whole message held back.

Done in two steps, since the names of placeholders are given by whoever keeps the originals:

    sorted_out = sort_out(escaped(redactor.pieces(text)), policy)
    if sorted_out.blocked: ...                                   # say so, and send nothing
    names = ...                                                  # of what is wanted: {found: "<EMAIL_1>"}
    text = sorted_out.text(names)

The same for each batch of pieces of a growing text (`bot/privacy/answers.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from bot.redaction.findings import Found, Piece, mask
from bot.redaction.kinds import BY_NAME, KINDS, TYPED, Action


class ActionsError(ValueError):
    """What the operator wrote about actions can't be understood; the message names the part and the cure."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is done with each kind: the operator's word where he gave one, else the kind's own default.

    `reversible` is False where originals can't be kept (no key to encrypt them with): then masking replaces
    pseudonymising.
    """

    actions: Mapping[str, Action] = field(default_factory=dict)
    reversible: bool = True

    @property
    def off(self) -> frozenset[str]:
        """The kinds that are not looked for."""
        return frozenset(kind for kind, action in self.actions.items() if action is Action.OFF)

    @property
    def for_good(self) -> Policy:
        """The same, where nothing will ever be put back."""
        return replace(self, reversible=False)

    @property
    def never_blocking(self) -> Policy:
        """The same for words that alone never hold a message back, such as names: they are masked instead."""
        masked = {kind: Action.MASK for kind, action in self.actions.items() if action is Action.BLOCK}
        return self.with_actions(masked)

    def of(self, found: Found) -> Action | None:
        """None: it stays as it is, since nothing will be put back."""
        if found.kind == TYPED:
            return Action.PSEUDONYMISE if self.reversible else None
        action = self.of_kind(found.kind)
        if action is Action.OFF:
            return None
        return Action.MASK if action is Action.PSEUDONYMISE and found.original is None else action

    def of_kind(self, kind: str) -> Action:
        action = self.actions.get(kind, BY_NAME[kind].action)
        return Action.MASK if action is Action.PSEUDONYMISE and not self.reversible else action

    def with_actions(self, actions: Mapping[str, Action]) -> Policy:
        """These over the ones there are: a place's over the operator's."""
        return replace(self, actions={**self.actions, **actions})


def parse_actions(written: str) -> dict[str, Action]:
    """Read `email=mask, phone=block`; `all=mask` stands for every kind. Raises ActionsError."""
    actions: dict[str, Action] = {}
    for part in filter(None, (part.strip() for part in written.split(","))):
        kind, _, action = (half.strip().lower() for half in part.partition("="))
        if kind != "all" and kind not in BY_NAME:
            raise ActionsError(f"no kind is called {kind!r}; there are all, {', '.join(sorted(BY_NAME))}")
        if action not in {known.value for known in Action}:
            raise ActionsError(f"{kind}: write {' or '.join(f'{kind}={known}' for known in Action)}")
        actions |= dict.fromkeys(BY_NAME if kind == "all" else (kind,), Action(action))
    return actions


@dataclass(frozen=True, slots=True)
class SortedOut:
    """A text's pieces with what is to be done with each. `wanted` are the findings that need a placeholder's name."""

    pieces: tuple[tuple[Piece, Action | None], ...]

    @property
    def blocked(self) -> tuple[str, ...]:
        """The kinds for which the whole message is held back."""
        return self._kinds(Action.BLOCK)

    @property
    def masked(self) -> tuple[str, ...]:
        return self._kinds(Action.MASK)

    @property
    def pseudonymised(self) -> tuple[str, ...]:
        return tuple(kind for kind in self._kinds(Action.PSEUDONYMISE) if kind != TYPED)

    @property
    def wanted(self) -> tuple[Found, ...]:
        found = [p for p, action in self.pieces if isinstance(p, Found) and action is Action.PSEUDONYMISE]
        return tuple(dict.fromkeys(found))

    def text(self, names: Mapping[Found, str]) -> str:
        """The text as it may go on. What is to be blocked, or has no name, is masked here, so that no mistake lets it through."""
        return "".join([_stand_in(piece, action, names) for piece, action in self.pieces])

    def _kinds(self, wanted: Action) -> tuple[str, ...]:
        kinds = {piece.kind for piece, action in self.pieces if isinstance(piece, Found) and action is wanted}
        return tuple(kind for kind in (*(kind.name for kind in KINDS), TYPED) if kind in kinds)


def sort_out(pieces: Iterable[Piece], policy: Policy) -> SortedOut:
    """Decide on each piece."""
    return SortedOut(tuple((piece, None if isinstance(piece, str) else policy.of(piece)) for piece in pieces))


def _stand_in(piece: Piece, action: Action | None, names: Mapping[Found, str]) -> str:
    if isinstance(piece, str):
        return piece
    if action is None and piece.original is not None:
        return piece.original
    return names.get(piece, mask(piece.kind)) if action is Action.PSEUDONYMISE else mask(piece.kind)
