"""Typical answers, and what each becomes in calls to Slack and Discord: see `answers/`."""
