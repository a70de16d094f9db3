"""What the bot does: the turn, its context, its filters and its limits. Knows no platform and no SQL."""
