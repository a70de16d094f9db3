"""Which models the admins of a place may choose: those that can be reached with what the operator has set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from bot.errors import ConfigError
from bot.models.catalogue import Model, Models, Spec, check
from bot.preferences import Unfit
from bot.providers import Access, speaks_for_itself


class Menu:
    """`usual` is the operator's own choice. `priced`: a budget of money is held, so that a model without a price can't be chosen.
    `small`: the operator named a model for those who are to be answered by a small one."""

    def __init__(
        self,
        models: Models,
        access: Access,
        usual: Spec,
        *,
        priced: bool,
        today: Callable[[], date],
        small: bool = False,
    ) -> None:
        self.small = small
        self._models, self._access, self.usual = models, access, usual
        self._priced, self._today = priced, today

    def choose(self, text: str) -> str:
        """The model of that name, as `provider:model`. Raises `Unfit`."""
        try:
            spec = self._models.spec(text)
        except ConfigError:
            raise Unfit("setting_no_model", model=text, models=self._listed()) from None
        if spec == self.usual:
            return str(spec)
        model = self._models.get(spec)
        if not model.known and ":" not in text:  # more likely mistyped than new
            raise Unfit("setting_no_model", model=text, models=self._listed())
        if not self._reachable(spec):
            raise Unfit("setting_model_out_of_reach", model=str(spec), models=self._listed())
        if self._ended(spec, model):
            successor = f"{model.provider}:{model.successor}" if model.successor else self._listed()
            raise Unfit("setting_model_ended", model=str(spec), models=f"`{successor}`")
        if self._priced and model.price is None:
            raise Unfit("setting_model_unpriced", model=str(spec))
        return str(spec)

    def names(self) -> Sequence[str]:
        """Those that are worth proposing, the usual one first."""
        known = [
            Spec(model.provider, model.name)
            for model in self._models
            if self._reachable(spec := Spec(model.provider, model.name))
            and speaks_for_itself(spec, self._access)
            and not self._ended(spec, model)
            and not (self._priced and model.price is None)
        ]
        return [str(self.usual), *(str(spec) for spec in known if spec != self.usual)]

    def _reachable(self, spec: Spec) -> bool:
        access = self._access
        match spec.provider:
            case "openai":
                return bool(access.openai_api_key or access.openai_base_url)
            case "anthropic":
                return bool(access.anthropic_api_key or access.anthropic_base_url)
            case _:
                return spec == self.usual  # the local model is started when it is the operator's choice

    def _ended(self, spec: Spec, model: Model) -> bool:
        try:
            check(model, self._today())
        except ConfigError:
            return speaks_for_itself(spec, self._access)
        return False

    def _listed(self) -> str:
        return ", ".join(f"`{name}`" for name in self.names()[:10])
