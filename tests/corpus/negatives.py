"""Hard negatives: what looks like sensitive data and is none. Every text made here must stay as it is."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from random import Random

from tests.corpus import everyday, machine
from tests.corpus.case import BASE64, Case, a_number, some

Make = Callable[[Random], str]

SHAPES: tuple[tuple[str, int, Make], ...] = (
    ("order and other numbers", 3, everyday.named_number),
    ("hashes", 3, machine.hashes),
    ("versions", 2, machine.versions),
    ("dates and times", 2, everyday.dates),
    ("UUIDs", 1, lambda r: f"{r.choice(('id ', 'request ', '', 'uuid: '))}{machine.uuid(r)}"),
    ("code", 3, machine.code),
    ("log lines", 2, machine.log),
    ("addresses", 3, machine.addresses),
    ("Chinese text", 3, everyday.chinese),
    ("prose", 3, everyday.prose),
    ("tables", 1, everyday.table),
    ("columns of numbers", 1, everyday.columns),
    ("CSV of numbers", 1, everyday.csv),
    ("pictures in base64", 1, lambda r: f"data:image/png;base64,{machine.picture(r)}"),
    ("base64", 1, lambda r: b64encode(r.randbytes(r.randint(40, 400))).decode()),
    ("minified code", 1, machine.minified),
    ("SVG paths", 1, machine.svg),
    ("certificates and public keys", 1, machine.certificate),
    ("ids of objects", 3, machine.ids),
    ("other numbers", 3, everyday.numbers),
    ("with an @", 2, everyday.emails),
    (
        "UUIDs in JSON",
        1,
        lambda r: f'{{"id": "{machine.uuid(r)}", "parent": "{machine.uuid(r)}", "n": {a_number(r, 9)}}}',
    ),
    (
        "SSH public keys",
        1,
        lambda r: f"ssh-{r.choice(('ed25519', 'rsa'))} AAAA{some(r, BASE64, r.choice((64, 372)))} ada@laptop",
    ),
)
_AROUND = (
    "{}",
    "{}",
    "see {} please",
    "what does {} mean?",
    "关于{}，你怎么看？",
    "- {}\n- done",
    "I get this:\n{}",
    "`{}`",
    "> {}\nyes",
    "({})",
    "{}, or not?",
)


def text(random: Random) -> str:
    """Any of them."""
    return random.choice(SHAPES)[2](random)


def cases(random: Random, count: int) -> list[Case]:
    """So many hard negatives, of all shapes."""
    turns = [shape for shape in SHAPES for _ in range(shape[1])]
    made = []
    for number in range(count):
        name, _, make = turns[number % len(turns)]
        text = make(random)
        around = "{}" if "\n" in text else random.choice(_AROUND)
        made.append(Case("", name, around.replace("{}", text)))
    return made
