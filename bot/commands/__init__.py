"""What people can ask for by a word: one table, which adapters render, and what each command does.

table      all of them: words, arguments, who sees the answer; what takes a few lines (`reset`, `leave`, `help`) is done there
memory     what a model sees of the conversation, and what is pinned
settings   what holds at a place; `form` shows the same as a form, `menu` which models may be chosen
limits     what may be used at a place
usage      what was used
privacy    what is kept of somebody, a copy of it, and its end
why        why a message was answered, or was not
"""
