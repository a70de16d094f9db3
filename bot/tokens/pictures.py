"""How many tokens a picture takes, by its size in pixels (pure).

OpenAI's rules are published in its guide "Images and vision", section "Calculating costs"; Anthropic's in "Vision", section "Evaluate
image size". Where neither is known of a model, each picture is taken for a fixed number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Detail = Literal["high", "low"]
Rule = Literal["tiles", "patches", "area", "each"]

FIT: Final = 2_048
"""Pixels: OpenAI first makes a larger picture fit into a square of so many."""
SHORT: Final = 768
"""Then the shorter side of a picture in tiles becomes at most so many."""
TILE: Final = 512
LOW: Final = 512
"""Pixels of the longer side that are sent at low detail; nothing larger would be looked at."""
PATCH: Final = 32
SLACK: Final = 1e-9


@dataclass(frozen=True, slots=True)
class PictureRule:
    """`tiles`: `base` tokens and `tile` more for each tile of 512 pixels. `patches`: one for each of 32 pixels, at most `most`, times
    `factor`. `area`: one for `per` pixels. `each`: `base` tokens, whatever its size."""

    rule: Rule = "each"
    base: int = 1_500
    tile: int = 0
    most: int = 1_536
    factor: float = 1.0
    per: int = 750

    def tokens(self, width: int, height: int, detail: Detail = "high") -> int:
        """What a picture of that size takes, as it is sent."""
        match self.rule:
            case "tiles":
                return self.base if detail == "low" else self.base + self.tile * _tiles(width, height)
            case "patches":
                return math.ceil(_patches(width, height, self.most) * self.factor - SLACK)
            case "area":
                return max(math.ceil(width * height / self.per), _covered(width, height, 28))
            case "each":
                return self.base


EACH: Final = PictureRule()
"""Where nothing is known of a model's pictures."""


def picture_rule(value: Any) -> PictureRule:
    """Read a rule as it stands in `models.toml`. Raises `TypeError` or `ValueError` with what is wrong with it."""
    if not isinstance(value, Mapping) or value.get("rule") not in ("tiles", "patches", "area", "each"):
        raise ValueError('is not a table with a rule: "tiles", "patches", "area" or "each"')
    known: Mapping[str, Callable[[Any], Any]] = {
        "rule": str, "base": _whole, "tile": _whole, "most": _whole, "factor": _factor, "per": _whole,
    }  # fmt: skip
    if strange := sorted(set(value) - set(known)):
        raise ValueError(f"knows no {strange[0]}; it knows {', '.join(known)}")
    return PictureRule(**{name: known[name](number) for name, number in value.items()})


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("holds a number that is not positive and whole")
    return value


def _factor(value: Any) -> float:
    number = float(value)
    if not 0 < number < 100:
        raise ValueError("holds a factor that is not between 0 and 100")
    return number


def _tiles(width: int, height: int) -> int:
    scale = min(1.0, FIT / max(width, height))
    scale *= min(1.0, SHORT / (min(width, height) * scale))
    return math.ceil(width * scale / TILE - SLACK) * math.ceil(height * scale / TILE - SLACK)


def _patches(width: int, height: int, most: int) -> int:
    """Patches of the picture as it is looked at: one that has too many is made smaller, so that at least one side is whole patches."""
    scale = min(1.0, FIT / max(width, height))
    width, height = max(1, round(width * scale)), max(1, round(height * scale))
    if (count := _covered(width, height, PATCH)) <= most:
        return count
    shrink = math.sqrt(PATCH**2 * most / (width * height))
    across, down = width * shrink / PATCH, height * shrink / PATCH
    shrink *= min(max(1, math.floor(side + SLACK)) / side for side in (across, down))
    across, down = width * shrink / PATCH, height * shrink / PATCH
    return min(most, math.ceil(across - SLACK) * math.ceil(down - SLACK))


def _covered(width: int, height: int, side: int) -> int:
    return math.ceil(width / side) * math.ceil(height / side)
