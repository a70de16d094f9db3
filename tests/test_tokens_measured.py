"""The page `docs/tokens.md`: its published figures are ours, and the real local model teaches an estimate what its vocabulary is like."""

from __future__ import annotations

from pathlib import Path

from benchmarks.conversations import conversations
from benchmarks.tokens import BETWEEN, HEAD, SYSTEM, TAIL, Remembered, published, reported, size_of
from bot.chat import Message, Role
from bot.local_model import LocalModel
from bot.models.catalogue import Spec, load_models
from bot.providers import Access, build_provider
from bot.settings import ROOT
from bot.tokens.counting import counter_for

MODELS = load_models()


def test_the_page_shows_the_published_figures_and_ours_are_the_same() -> None:
    page = (ROOT / "docs" / "tokens.md").read_text("utf-8")
    rows = published()
    assert page.startswith(HEAD + "\n".join(rows) + "\n")
    for row in rows:
        *_, theirs, ours, _ = (cell.strip() for cell in row.split("|"))
        assert theirs == ours, row
    assert BETWEEN.partition("{")[0] in page
    assert page.endswith(TAIL)


async def test_the_local_model_teaches_an_estimate(local_model: Path) -> None:
    """Short prompts, since it reads slowly; the page has the long ones."""
    async with LocalModel(local_model) as local:
        spec = Spec("local", local.model)
        provider = build_provider(spec, Access(local_base_url=local.base_url), MODELS)
        counter = await counter_for(MODELS.get(spec), Remembered(64))
        errors, margins = [], []
        for _, messages in conversations(26, seed=3):
            size = size_of(counter, (Message(Role.USER, SYSTEM), messages[0]))
            truth = await reported(provider, spec.model, messages[:1])
            errors.append(abs(counter.tokens(size) / truth - 1))
            margins.append(counter.most(size) - truth)
            await counter.learn(size, truth)
        await provider.aclose()
    assert not counter.exact
    assert sum(errors[20:]) / 6 < 0.02 < sum(errors[:6]) / 6
    assert sum(margin < 0 for margin in margins) <= 2
