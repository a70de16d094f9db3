"""How much of files is taken in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileLimits:
    """`most` bytes of a file are fetched, in `seconds`, and read in as many again. `number` files of a question are read; all their text
    together has at most `tokens`, a PDF `pages`. `pictures` of a question are shown, with `pixels` on their longer side, and again for
    the `turns` that follow. Where it is not `on`, files are only named."""

    on: bool = True
    most: int = 20_000_000
    seconds: float = 20.0
    number: int = 10
    tokens: int = 5_000
    pages: int = 50
    pictures: int = 4
    turns: int = 3
    pixels: int = 1_568
