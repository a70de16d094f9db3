"""How a model's tokens are counted: by its own vocabulary where that is known, else by an estimate that learns from what is reported."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from bot.chat import Observation, Picture, Size
from bot.errors import StoreUnavailable
from bot.models.catalogue import Model
from bot.ports import Calibrations
from bot.providers.wording import field_name, name_lead
from bot.tokens.calibration import Calibration, fitted, published
from bot.tokens.pictures import EACH, Detail, PictureRule
from bot.tokens.texts import PER_NAME, Tokenizer, beginning, tokenizer_for

CONVERSATIONS: Final = 1_000
"""Of so many is remembered, while the process lives, what was last reported."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sight:
    """How a model's pictures are counted, and in which detail it is shown them."""

    rule: PictureRule = EACH
    detail: Detail = "high"


SHARP: Final = Sight()


class Counter(Protocol):
    """`name` is the vocabulary that sizes are measured with; `exact`: it is the model's own, and a text's count is the truth."""

    @property
    def name(self) -> str: ...

    @property
    def exact(self) -> bool: ...

    def measure(self, text: str) -> Size:
        """The size of a text by itself."""

    def measure_lead(self, lead: str, text: str) -> Size:
        """What a lead adds to a text that it stands directly before."""

    def measure_name(self, name: str, text: str) -> Size:
        """What a speaker's name adds to a message of that text, in the way it is sent."""

    def measure_picture(self, picture: Picture) -> Size:
        """What a picture adds to a message, in the detail it is shown in."""

    def tokens(self, size: Size, about: str = "") -> int:
        """What a whole prompt of that size comes to. `about` names its conversation: what was reported of it before counts."""

    def most(self, size: Size, about: str = "") -> int:
        """What it may come to at worst."""

    async def learn(self, size: Size, reported: int, about: str = "") -> None:
        """A prompt of that size had so many tokens, as its provider says."""


class Measuring:
    """Sizes by one vocabulary, and `sight`'s rule for pictures. `name_field`: names stand in a field of the API, where they can."""

    def __init__(self, tokenizer: Tokenizer, *, sight: Sight = SHARP, name_field: bool = False) -> None:
        self.name, self.measure = tokenizer.name, tokenizer.measure
        self._sight, self._name_field = sight, name_field

    def measure_picture(self, picture: Picture) -> Size:
        return Size(images=self._sight.rule.tokens(picture.width, picture.height, self._sight.detail))

    def measure_lead(self, lead: str, text: str) -> Size:
        """Where the two meet they are cut as one: a blank of the lead's goes into the text's first word, but stands alone before a
        digit."""
        start = beginning(text)
        return self.measure(lead + start) - self.measure(start) if lead else Size()

    def measure_name(self, name: str, text: str) -> Size:
        if self._name_field and (field := field_name(name)):
            return self.measure(field) + Size(tokens=PER_NAME)
        return self.measure_lead(name_lead(name), text)


class Exact(Measuring):
    """OpenAI's published rule, with the model's own vocabulary."""

    exact = True

    def __init__(self, tokenizer: Tokenizer, *, sight: Sight = SHARP, name_field: bool = False) -> None:
        super().__init__(tokenizer, sight=sight, name_field=name_field)
        self._rule = published()

    def tokens(self, size: Size, about: str = "") -> int:
        return self._rule.tokens(size)

    def most(self, size: Size, about: str = "") -> int:
        return self._rule.most(size)

    async def learn(self, size: Size, reported: int, about: str = "") -> None:
        return


class Estimate(Measuring):
    """Another vocabulary stands in for the model's own; what is reported of its prompts is remembered in `store`. Of a conversation that
    goes on, most is known from its last prompt: only what was added is estimated."""

    exact = False

    def __init__(
        self,
        tokenizer: Tokenizer,
        model: Model,
        store: Calibrations,
        *,
        detail: Detail = "high",
        name_field: bool = False,
    ) -> None:
        super().__init__(tokenizer, sight=Sight(model.picture, detail), name_field=name_field)
        self._store, self._model = store, model
        self._key = f"{model.provider}:{model.name}:{tokenizer.name}"
        self._calibration = self._fit(())
        self._seen: dict[str, Observation] = {}

    async def recall(self) -> None:
        """Take up what was learnt before."""
        self._calibration = self._fit(await self._store.observations(self._key))

    @property
    def calibration(self) -> Calibration:
        return self._calibration

    def tokens(self, size: Size, about: str = "") -> int:
        seen = self._seen.get(about)
        return self._calibration.tokens(size) if seen is None else self._calibration.beside(seen, size)[0]

    def most(self, size: Size, about: str = "") -> int:
        seen = self._seen.get(about)
        return self._calibration.most(size) if seen is None else self._calibration.beside(seen, size)[1]

    async def learn(self, size: Size, reported: int, about: str = "") -> None:
        """Images are only guessed: prompts that hold some teach nothing of the vocabulary."""
        if reported <= 0:
            return
        if about:
            self._seen[about] = Observation(size, reported)
            while len(self._seen) > CONVERSATIONS:
                del self._seen[next(iter(self._seen))]
        if size.images:
            return
        try:
            observations = await self._store.observe(self._key, Observation(size, reported))
        except StoreUnavailable:
            log.info("a reported prompt could not be remembered: the database is away")
            return
        self._calibration = self._fit(observations)

    def _fit(self, observations: Sequence[Observation]) -> Calibration:
        return fitted(observations, ratio=self._model.ratio)


async def counter_for(
    model: Model, store: Calibrations, *, detail: Detail = "high", name_field: bool = False
) -> Counter:
    """The model's own tokenizer, or an estimate with what was learnt of it."""
    tokenizer = tokenizer_for(model.name, model.own_encoding)
    if tokenizer.exact:
        return Exact(tokenizer, sight=Sight(model.picture, detail), name_field=name_field)
    estimate = Estimate(tokenizer, model, store, detail=detail, name_field=name_field)
    await estimate.recall()
    return estimate
