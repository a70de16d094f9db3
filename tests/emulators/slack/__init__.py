"""An emulator of Slack for tests: Web API, Socket Mode and Events API over real sockets on 127.0.0.1."""

from tests.emulators.slack.delivery import Attempt, Delivery, Outcome
from tests.emulators.slack.emulator import DEFAULT_SCOPES, SlackEmulator
from tests.emulators.slack.feed import DEFAULT_EVENTS
from tests.emulators.slack.interactions import Interaction
from tests.emulators.slack.limits import ManualClock, SlackLimits
from tests.emulators.slack.web_api import Request
from tests.emulators.slack.world import (
    Channel,
    Message,
    Revision,
    SlackFile,
    Team,
    User,
)

__all__ = [
    "DEFAULT_EVENTS",
    "DEFAULT_SCOPES",
    "Attempt",
    "Channel",
    "Delivery",
    "Interaction",
    "ManualClock",
    "Message",
    "Outcome",
    "Request",
    "Revision",
    "SlackEmulator",
    "SlackFile",
    "SlackLimits",
    "Team",
    "User",
]
