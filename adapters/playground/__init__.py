"""A chat platform in miniature, to try the bot in a browser with neither Slack nor Discord."""

from adapters.playground.adapter import Playground

__all__ = ["Playground"]
