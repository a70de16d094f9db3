"""How many tokens a model really sees in a prompt, learnt from what its provider reports (pure).

Vocabularies differ most in how many words they know whole, and in how they cut what is no plain English: Chinese, digits, accents and
emoji. A small vocabulary beside a large one tells how much of a text only a large one knows. So a prompt's size is taken apart into such
kinds (`Size`), and a weight for each is fitted to the reported totals: a Bayesian linear regression, whose prior is the model's `ratio`,
whose outliers count less, and whose uncertainty becomes the safety margin. A kind that was never seen keeps a wide margin, one that was
seen often a narrow one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from bot.chat import Observation, Size
from bot.tokens.texts import PER_MESSAGE, PER_REPLY, PER_ROLE

REMEMBERED: Final = 64
"""Calls that a fit looks back upon."""
DEVIATIONS: Final = 2.5
"""Standard deviations in the safety margin."""
NOISE: Final = 0.03
"""How far off a prompt is, relatively, as assumed before anything is known; as much as `NOISE_WORTH` calls say."""
NOISE_WORTH: Final = 4
SMALLEST: Final = 50
"""Tokens: smaller prompts count as if they had so many, lest a token more or less weighs too much."""
ROUNDS: Final = 5

SHARE_SPREAD: Final = 0.1
"""How far from its guess the ratio may be, relatively, as one standard deviation."""
KINDS: Final = ((0.3, 0.4), (0.2, 0.4), (0.5, 0.5), (0.1, 0.3))
"""What these are guessed to cost another vocabulary besides, and how certain that is, as one standard deviation: a token that a small
vocabulary has more, a wide character, a digit that may stand alone, a foreign byte."""
SAME_KINDS: Final = ((0.0, 0.05), (0.0, 0.15), (0.0, 0.1), (0.0, 0.1))
"""The same where the vocabulary is believed to be the model's own (a ratio of 1)."""
MESSAGE_SPREAD: Final = 2.0
PROMPT_SPREAD: Final = 8.0

Vector = list[float]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What each part of a size weighs in tokens, and how certain that is. Of pictures, the size tells the tokens itself.

    `calls` is how many reported prompts stand behind it. `noise` is the relative deviation that no weight explains.
    """

    weights: tuple[float, ...]
    calls: int = 0
    noise: float = 0.0
    covariance: tuple[tuple[float, ...], ...] = field(default=(), repr=False)

    def tokens(self, size: Size) -> int:
        """How many tokens it comes to."""
        return round(_dot(self.weights, _features(size))) + size.images

    def deviation(self, features: Sequence[float]) -> float:
        """How far off, in tokens, their sum may be, as one standard deviation."""
        if not self.covariance:
            return 0.0
        variance = _dot(features, [_dot(row, features) for row in self.covariance])
        return math.sqrt(max(variance, 0.0) + (self.noise * _dot(self.weights, features)) ** 2)

    def most(self, size: Size) -> int:
        """As many, and the safety margin."""
        return self.tokens(size) + math.ceil(DEVIATIONS * self.deviation(_features(size)))

    def beside(self, seen: Observation, size: Size) -> tuple[int, int]:
        """The same two, by what was reported of a prompt that is like it: only what came and went is estimated. Whichever is surer."""
        change = [new - old for new, old in zip(_features(size), _features(seen.size), strict=True)]
        deviation = self.deviation(change)
        if deviation >= self.deviation(_features(size)):
            return self.tokens(size), self.most(size)
        tokens = seen.reported + round(_dot(self.weights, change)) + size.images - seen.size.images
        return tokens, tokens + math.ceil(DEVIATIONS * deviation)


def published() -> Calibration:
    """OpenAI's published rule, for the models whose vocabulary is known: nothing is to be learnt."""
    return Calibration(tuple(_prior(1.0)[0]))


def fitted(observations: Sequence[Observation], *, ratio: float) -> Calibration:
    """Weights that explain what was reported; the prior alone where nothing was."""
    prior, spreads = _prior(ratio)
    rows = [_features(one.size) for one in observations]
    goals = [float(one.reported - one.size.images) for one in observations]
    scales = [1 / max(goal, SMALLEST) for goal in goals]
    trust, noise = [1.0] * len(rows), NOISE
    weights, covariance = (
        prior,
        [[s * s if i == j else 0.0 for j in range(len(prior))] for i, s in enumerate(spreads)],
    )
    for _ in range(ROUNDS if rows else 0):
        heft = [t * (s / noise) ** 2 for t, s in zip(trust, scales, strict=True)]
        covariance = _inverse(
            [
                [
                    sum(h * row[i] * row[j] for h, row in zip(heft, rows, strict=True))
                    + (spreads[i] ** -2 if i == j else 0)
                    for j in range(len(prior))
                ]
                for i in range(len(prior))
            ]
        )
        misses = [goal - _dot(prior, row) for goal, row in zip(goals, rows, strict=True)]
        pull = [
            sum(h * row[i] * miss for h, row, miss in zip(heft, rows, misses, strict=True))
            for i in range(len(prior))
        ]
        weights = [p + _dot(row, pull) for p, row in zip(prior, covariance, strict=True)]
        off = [abs(goal - _dot(weights, row)) * s for goal, row, s in zip(goals, rows, scales, strict=True)]
        usual = 3 * median(off) + 1e-6
        trust = [min(1.0, usual / max(o, 1e-12)) for o in off]
        told = sum(t * o * o for t, o in zip(trust, off, strict=True))
        noise = math.sqrt((NOISE_WORTH * NOISE**2 + told) / (NOISE_WORTH + len(rows)))
    return Calibration(tuple(weights), len(rows), noise, tuple(map(tuple, covariance)))


def _features(size: Size) -> Vector:
    return [
        size.tokens,
        size.small - size.tokens,
        size.wide,
        size.digits,
        size.foreign,
        size.messages,
        1.0,
    ]


def _prior(ratio: float) -> tuple[Vector, Vector]:
    """What is assumed before anything is known, and with what standard deviations."""
    kinds = SAME_KINDS if ratio == 1 else KINDS
    means = [ratio, *(mean for mean, _ in kinds), PER_MESSAGE + PER_ROLE, PER_REPLY]
    return means, [ratio * SHARE_SPREAD, *(spread for _, spread in kinds), MESSAGE_SPREAD, PROMPT_SPREAD]


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def _inverse(matrix: list[Vector]) -> list[Vector]:
    """Of a symmetric, positive definite matrix (Gauss and Jordan)."""
    count = len(matrix)
    rows = [[*row, *(float(i == j) for j in range(count))] for i, row in enumerate(matrix)]
    for i in range(count):
        pivot = [value / rows[i][i] for value in rows[i]]
        rows[i] = pivot
        for j, row in enumerate(rows):
            if j != i and row[i]:
                factor = row[i]
                rows[j] = [a - factor * b for a, b in zip(row, pivot, strict=True)]
    return [row[count:] for row in rows]
