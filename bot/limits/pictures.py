"""A report as a picture, drawn by matplotlib, which comes with the lock files and is the extra `plots` of the package."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.limits.reports import Span, named, summed
from bot.notices import notice
from bot.ports import OTHERS, By, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST: Final = 12
"""Bars of a ranking; the rest stand in one."""
CHINESE: Final = (
    "Noto Sans CJK SC",
    "WenQuanYi Micro Hei",
    "Source Han Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
)
INK, BAR, SOFT = "#23221f", "#0f6b5c", "#8d897f"
DOTS_PER_INCH: Final = 144


class NoPlots(Exception):
    """The drawing library is not installed."""


def draw(rows: Sequence[Row], by: By, period: Span, language: str) -> bytes:
    """A PNG: bars by day, or a ranking of all else; dollars where any are known, tokens where none are. Slow: call it in a thread.

    Raises `NoPlots`.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise NoPlots from None
    fonts = _fonts()
    if language == "zh" and len(fonts) == 1:
        language = "en"  # its letters could not be drawn
    with rc_context({"font.family": fonts, "axes.edgecolor": SOFT, "text.color": INK}):
        bars = rows if by is By.DAY else _ranked(rows)
        height = 4.2 if by is By.DAY else 1.4 + 0.34 * max(len(bars), 3)
        figure = Figure(figsize=(8, height), layout="constrained")
        axes = figure.subplots()
        money = any(row.cost is not None for row in rows)
        unit = notice("report_axis_usd" if money else "report_axis_tokens", language)
        values = [float(row.cost or 0) if money else row.tokens for row in bars]
        if by is By.DAY:
            _days(axes, bars, values, period, unit)
        else:
            _ranking(axes, [named(row, by, language) for row in bars], values, unit)
        axes.set_title(_title(by, period, language), loc="left", fontsize=11)
        axes.spines[["top", "right"]].set_visible(False)
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=DOTS_PER_INCH)
    return out.getvalue()


def _ranked(rows: Sequence[Row]) -> Sequence[Row]:
    if len(rows) <= MOST:
        return rows
    return [*rows[: MOST - 1], summed(rows[MOST - 1 :], OTHERS)]


def _days(axes: Axes, rows: Sequence[Row], values: Sequence[float], period: Span, unit: str) -> None:
    """A bar a day, also for days without any call."""
    by_day = {row.key: value for row, value in zip(rows, values, strict=True)}
    count = (period.until - period.since).days
    days = [f"{period.since + timedelta(days=number):%Y-%m-%d}" for number in range(count)]
    axes.bar(range(count), [by_day.get(day, 0.0) for day in days], color=BAR, width=0.8)
    step = max(1, -(-count // 10))
    axes.set_xticks(range(0, count, step), [day[5:] for day in days[::step]])
    axes.set_xlim(-0.6, count - 0.4)
    axes.set_ylabel(unit)


def _ranking(axes: Axes, names: Sequence[str], values: Sequence[float], unit: str) -> None:
    letters = _letters()
    shortened = [name if len(name) <= 40 else f"{name[:39]}…" for name in names]
    shortened = ["".join(sign if ord(sign) in letters else "□" for sign in name) for name in shortened]
    axes.barh(range(len(values)), values, color=BAR, height=0.7)
    axes.set_yticks(range(len(values)), shortened, parse_math=False)
    axes.invert_yaxis()
    axes.set_xlabel(unit)


def _title(by: By, period: Span, language: str) -> str:
    return notice(
        "report_title",
        language,
        by=notice(f"report_by_{by}", language),
        since=f"{period.since:%Y-%m-%d}",
        until=f"{period.until - timedelta(days=1):%Y-%m-%d}",
    )


def _letters() -> set[int]:
    """What can be drawn: for anything else matplotlib would warn, and name it."""
    from matplotlib.font_manager import findfont, get_font

    return {letter for font in _fonts() for letter in get_font(findfont(font)).get_charmap()}


def _fonts() -> list[str]:
    """Fonts for names in any writing: matplotlib takes each letter from the first that has it."""
    from matplotlib.font_manager import fontManager

    there = set(fontManager.get_font_names())
    return ["DejaVu Sans", *(name for name in CHINESE if name in there)]
