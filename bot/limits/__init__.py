"""Nobody uses more than they may: reserved at the worst before a call, settled after it, told in words and in reports.

admission  reserve, settle, release
rules      which limits hold for whom; `file` reads the operator's
texts      a limit in words
alarms     tells admins of a budget that is nearly used
reports    what was spent; `pictures` draws it
"""
