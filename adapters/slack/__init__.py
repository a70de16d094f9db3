"""Slack, by Socket Mode or over HTTP."""

from adapters.slack.adapter import Slack
from adapters.slack.check import check

__all__ = ["Slack", "check"]
