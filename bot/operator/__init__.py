"""What an operator needs besides a running bot: checks before it runs, lists, and the settings as documents.

actions     migrate, sync, turns, usage
check       `python -m bot check`; `checking` looks, one thing after another
legacy      finds code in the style of the vendors' SDKs before 1.0
listing     tables, lines or JSON
reference   `.env.example` and `docs/settings.md`
"""
