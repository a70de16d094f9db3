"""The child process that runs the model. Started by path with `python -I`, so it shares no module with the
bot.

    python -I serve.py FOLDER WEIGHTS ALIAS PORT SLOTS CONTEXT

prints one line of JSON when it listens, `{"port": …, "context_tokens": …}` (the context of each slot), and
serves OpenAI's API on 127.0.0.1 until its standard input ends: it never outlives whoever started it, however
that one dies.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any
from urllib.parse import urlsplit

MOST_THREADS = 4
NICE = 5
"""Answers may take longer while the machine is busy; the machine does not."""

MOST_TOKENS = 1024
"""Of an answer to a request that sets no limit: a small model that loses the thread would go on until its
window is full."""


def main(folder: str, weights: str, alias: str, port: str, slots: str, context: str) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(
            number, signal.SIG_IGN
        )  # the bot may still be finishing answers; it ends us when it is done
    os.nice(NICE)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever the library prints is no answer of ours
    os.environ["OMP_WAIT_POLICY"] = (
        "PASSIVE"  # threads that spin while they wait starve a busy machine, and us with it
    )
    sys.path.insert(0, folder)
    import xllamacpp

    server = xllamacpp.Server(parameters(xllamacpp, weights, alias, int(port), int(slots), int(context)))
    listening = urlsplit(server.listening_address).port
    print(json.dumps({"port": listening, "context_tokens": int(context)}), file=answers, flush=True)
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(0)


def parameters(xllamacpp: Any, weights: str, alias: str, port: int, slots: int, context: int) -> Any:
    wanted = xllamacpp.CommonParams()
    wanted.model.path = weights
    wanted.model_alias = {alias}
    wanted.hostnames = ["127.0.0.1"]
    wanted.port = port
    wanted.n_parallel = slots
    wanted.n_ctx = slots * context
    wanted.n_predict = MOST_TOKENS
    wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = _threads()
    wanted.cache_ram_mib = 0  # else up to 8 GB of earlier prompts are kept
    wanted.offline = True
    wanted.ui = wanted.endpoint_slots = False  # nothing that would show one person's prompt to another
    wanted.cors_origins = ""
    wanted.verbosity = 1  # errors only: never the text of a prompt
    # The model's card advises 0.2 and 0.9; the light penalties keep it from repeating itself without end.
    wanted.sampling.temp, wanted.sampling.top_p = 0.2, 0.9
    wanted.sampling.dry_multiplier, wanted.sampling.penalty_repeat = 0.5, 1.05
    return wanted


def _threads() -> int:
    """As many as this process may use, up to where a model of this size gains nothing more."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(allowed, MOST_THREADS)


if __name__ == "__main__":
    main(*sys.argv[1:])
