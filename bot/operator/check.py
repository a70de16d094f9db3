"""`python -m bot check`: look at everything that may be wrong before it goes wrong, name each fault and its cure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `cure` is empty when it is well; `warning` marks what works today but should be mended."""

    what: str
    cure: str = ""
    warning: bool = False

    @property
    def well(self) -> bool:
        return not self.cure
