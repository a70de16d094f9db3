"""The kinds of sensitive data, the surest first, and what is done with each unless the operator says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What is done with a finding."""

    MASK = "mask"  # `[FILTERED:email]` stands in its place, for good
    PSEUDONYMISE = (
        "pseudonymise"  # `<EMAIL_1>` does, and is put back in the answer for people of that conversation
    )
    BLOCK = "block"  # the whole message goes nowhere
    OFF = "off"  # the kind is not looked for


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    action: Action
    about: str

    @property
    def label(self) -> str:
        """How its placeholders begin: `EMAIL` of `<EMAIL_1>`."""
        return self.name.upper()


# The order decides between findings of the same length.
KINDS = (
    Kind("private_key", Action.MASK, "Private keys: PEM, OpenPGP armour, PuTTY"),
    Kind("jwt", Action.MASK, "JSON Web Tokens"),
    Kind("connection_string", Action.MASK, "Addresses of databases, queues and mail servers that hold a password"),
    Kind("url_credentials", Action.MASK, "User and password in any other address"),
    Kind("cn_id", Action.PSEUDONYMISE, "Chinese resident identity numbers"),
    Kind("card", Action.MASK, "Payment cards"),
    Kind("iban", Action.PSEUDONYMISE, "International bank account numbers"),
    Kind("us_ssn", Action.PSEUDONYMISE, "US social security numbers"),
    Kind("national_id", Action.PSEUDONYMISE, "Other countries' identity and tax numbers"),
    Kind("email", Action.PSEUDONYMISE, "E-mail addresses"),
    Kind("phone", Action.PSEUDONYMISE, "Telephone numbers"),
    Kind("api_key", Action.MASK, "API keys, tokens, webhooks, and passwords behind a label"),
    Kind("ip", Action.PSEUDONYMISE, "IP addresses; only if switched on"),
    Kind("word", Action.MASK, "The operator's own words and patterns"),
)  # fmt: skip
BY_NAME = {kind.name: kind for kind in KINDS}

TYPED = "typed"
"""The kind of what only looks like a placeholder of ours, typed by a person: kept apart, so that it comes back as typed."""
