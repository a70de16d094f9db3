"""Kills the bot while people talk to it, and looks from the platform's side whether every question was answered, whole, once.

steps      the boundaries between two steps of a turn's way, where it can be killed
blade      what kills it there; no part of the product
answers    a model that gives every question its one right answer, and goes on with it from any word
stages     what people see and do on a platform: on_slack, on_discord
questions  what was asked, and what may be found in the end
crowd      the people: they ask, wait, ask again; and the troubles of an ordinary day
whims      what they do besides: edit, delete, press buttons, reset
house      the bot's processes, killed and started again; they come out of tests/nursery.py
evidence   what the database and the logs tell in the end
judge      what must hold in the end
page       what came of a whole run
rounds     what is put together with what; `python -m tests.crash` plays them
"""
