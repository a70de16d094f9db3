"""What sensitive data stands in: sentences and chat in English and Chinese, programs, configuration, logs, tables, addresses.

`{v}` is the value, `{l}` what people call it, `{p}` what a program calls it, `{P}` the same in capitals.
"""

from __future__ import annotations

from random import Random

from tests.corpus import negatives
from tests.corpus.case import Case, Shape, Value

ENGLISH_BARE = (
    "{v}", "here it is: {v}", "use {v} for now", "can you check whether {v} still works?", "I pasted {v} by mistake, sorry", "({v})",
    "> {v}\nwhat about this one?", "* {v}\n* something else", "**{v}**", "`{v}`", "```\n{v}\n```", "Hi,\n\n{v}\n\nThanks", "Re: {v}",
    "please add {v}, then restart", "it was {v}, I think", "We found {v} in the logs of last week.", "“{v}”", "is {v} right?", "{v}?",
    "first line\n{v}\nlast line", "- [ ] remove {v}", "thanks! {v}", "| ada | {v} | active |", "Ada Lovelace,{v},London", "~~{v}~~",
)  # fmt: skip
ENGLISH_NAMED = (
    "My {l} is {v}", "{l}: {v}", "the {l} is {v}, please keep it safe", "{l} = {v}", "Here's the {l}: `{v}`", "New {l}: {v}.",
    "what is wrong with my {l}: {v}", "{l} - {v}", "Can you see why {l} {v} is refused?", "**{l}**: {v}", "our {l} was {v} until May",
    "name: Ada\n{l}: {v}\ncity: London", "| {l} | {v} |", "For the record, the {l} is: {v}",
)  # fmt: skip
CHINESE_BARE = (
    "{v}", "这个是{v}", "用{v}试试", "请帮我看看{v}还能不能用", "{v}，谢谢", "我的是{v}。", "（{v}）", "不小心把{v}发出来了", "就是这个：{v}", "把{v}加进去吧",
    "“{v}”", "【{v}】", "张三、{v}、北京", "1、{v}；2、其他",
)  # fmt: skip
CHINESE_NAMED = (
    "我的{l}是{v}", "{l}：{v}", "{l}为{v}，请查收", "{l}{v}", "帮我记一下，{l}是{v}。", "请用这个{l}：{v}", "姓名：张三，{l}：{v}，地址：北京市",
    "{l}:{v}", "新的{l}是 {v} ，别外传", "【{l}】{v}",
)  # fmt: skip
PROGRAM = (
    '{{"id": 17, "{p}": "{v}"}}', '{{"{p}":"{v}","ok":true}}', "{p}: {v}", "{p}: '{v}'", "export {P}={v}", '{P}="{v}"', "{p} = {v}", '{p} = "{v}"',
    "const {p} = '{v}';", '{p} := "{v}"', "os.environ['{P}'] = '{v}'", "2026-03-04T10:11:12.345Z INFO worker-3 {p}={v} status=200",
    'level=warn msg="refused" {p}={v}', "<{p}>{v}</{p}>", "  {p}: \"{v}\"  # since May", "--{p}={v}", 'setting("{p}", "{v}")',
    "[10:02:11] {p}: {v}", "{P}: {v}\nHost: api.example.com", "`{p}={v}`",
)  # fmt: skip
ADDRESS = ("https://api.example.com/v1/items?{p}={v}&page=2", "GET /v1?{p}={v} HTTP/1.1")

FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {0x20: 0x3000}


def case(random: Random, shape: Shape) -> Case:
    """The shape's value in a text of some sort."""
    value = shape.make(random)
    if shape.form == "number":
        value = _disguised(random, value)
    before, behind = _amid(random, *_carrier(random, shape, value))
    start = len(before) + len(value.before)
    text = before + value.before + value.secret + value.behind + behind
    return Case(shape.kind, shape.name, text, start, start + len(value.secret))


def _amid(random: Random, before: str, behind: str) -> tuple[str, str]:
    """Some stand among other things, which must stay as they are."""
    if random.random() < 0.25:
        before = f"{negatives.text(random)}\n{before}"
    if random.random() < 0.25:
        behind = f"{behind}\n{negatives.text(random)}"
    return before, behind


def _disguised(random: Random, value: Value) -> Value:
    """Some numbers are written full width, with invisible characters, or with other blanks and dashes."""
    secret, chance = value.secret, random.random()
    if chance < 0.05:
        return Value(secret.translate(FULL_WIDTH))
    if chance < 0.08:
        middle = len(secret) // 2
        return Value(secret[:middle] + random.choice("\u200b\u200c\u2060\u00ad") + secret[middle:])
    if chance < 0.11:
        return Value(secret.replace(" ", "\u00a0").replace("-", random.choice("‐‑–")))
    if chance < 0.14 and secret.isdigit() and len(secret) > 9:
        return Value(" ".join(secret))
    return value


def _carrier(random: Random, shape: Shape, value: Value) -> tuple[str, str]:
    if shape.form in ("block", "whole"):
        plain = shape.form == "whole" or "\n" in value.before
        templates: tuple[str, ...] = ("{v}", "```\n{v}\n```", "look:\n{v}\nwhat is it?") if plain else (
            "{v}", "```\n{v}\n```", "my key:\n\n{v}\n\nis it fine?", "私钥如下：\n{v}\n请查收", "I use this: {v}")  # fmt: skip
        if value.before.startswith(("{", "> ")):
            templates = ("{v}", "```\n{v}\n```")
        return _around(random.choice(templates), random, shape, ())
    chinese = random.random() < 0.35
    named = shape.labelled or random.random() < 0.6
    if named and random.random() < 0.45 and shape.names.program and " " not in value.secret.strip():
        quotable = not any(mark in value.secret for mark in "\"'`<>&\\#")
        addressable = quotable and not any(mark in value.secret for mark in "+%=?@/:*!$^ ")
        templates = (
            (*PROGRAM, *(ADDRESS if addressable and not value.before else ())) if quotable else PROGRAM[2:3]
        )
        return _around(random.choice(templates), random, shape, ())
    bare, with_name = (CHINESE_BARE, CHINESE_NAMED) if chinese else (ENGLISH_BARE, ENGLISH_NAMED)
    called = shape.names.chinese if chinese else shape.names.english
    return _around(random.choice(with_name if named else bare), random, shape, called)


def _around(template: str, random: Random, shape: Shape, called: tuple[str, ...]) -> tuple[str, str]:
    program = _in_full(random, random.choice(shape.names.program or ("id",)))
    name = random.choice(called or ("value",))
    if random.random() < 0.2 and name.isascii():
        name = random.choice((name.upper(), name.title(), name.capitalize()))
    if name[-1].isascii():  # nobody writes a number directly behind a Latin word
        template = template.replace("{l}{v}", "{l} {v}")
    filled = template.format(v="\0", l=name, p=program, P=program.upper())
    before, _, behind = filled.partition("\0")
    return before, behind


def _in_full(random: Random, program: str) -> str:
    """Programs have prefixes, and ways of joining words."""
    if random.random() < 0.6:
        return program
    prefix = random.choice(("prod", "my", "app", "test", "user", "main", "backup", "service"))
    joined = random.choice((f"{prefix}_{program}", f"{prefix}-{program}", f"{prefix}.{program}"))
    return random.choice((joined, f"{prefix}{program[0].upper()}{program[1:]}"))
