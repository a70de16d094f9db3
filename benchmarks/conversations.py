"""Conversations of many kinds, made from a fixed stock by a fixed seed: English, Chinese, code, chat with emoji, figures, and all of them
mixed; each by people with names of all sorts."""

from __future__ import annotations

import random
from typing import Final

from bot.chat import Message, Role

KINDS: Final = ("English", "Chinese", "code", "emoji", "figures", "mixed")
NAMES: Final = (
    "Ada",
    "Grace Hopper",
    "王小明",
    "Zoë",
    "Дмитрий",
    "李雷",
    "Björn",
    "Nguyễn An",
    "maya_92",
    "Ò. Ferré",
)

ENGLISH: Final = (
    "Could you summarise yesterday's meeting for me? I only caught the part about the budget, not what was decided in the end.",
    "The deployment went through, but the error rate doubled within ten minutes, so we rolled it back and opened an incident.",
    "I'd rather keep the old wording. It is plainer, it is shorter, and nobody has ever complained about it.",
    "What is the difference between a mutex and a semaphore, and when would you use one rather than the other?",
    "A sourdough starter needs flour, water, warmth and patience; feed it every day, and throw half of it away each time.",
    "Please draft a polite reply to the landlord: the heating has been broken for a week, and we would like a date for the repair.",
    "She said that the train was late because of leaves on the line, which sounds like a joke until you have waited for an hour.",
    "In short: yes. The longer answer is that it depends on how many people use it at once, and on whether they can wait.",
    "The committee recommends that the proposal be adopted, subject to the amendments set out in the annex.",
    "Why does my cat stare at the wall for hours? Should I be worried, or is there a mouse in it?",
    "Thanks, that worked. One more thing: could you explain why the second query is so much slower than the first?",
    "Photosynthesis turns light, water and carbon dioxide into sugar and oxygen, and it does so in two stages.",
)
CHINESE: Final = (
    "请帮我总结一下昨天的会议内容，我只听到了关于预算的部分，不确定最后决定了什么。",
    "部署已经完成，但十分钟内错误率翻了一倍，所以我们回滚了，并且提交了故障报告。",
    "这个函数为什么会返回空值？我已经检查过输入参数，日志里也没有任何异常。",
    "我们下周二要去上海出差，能推荐几家离会场近、价格合适的酒店吗？",
    "床前明月光，疑是地上霜。举头望明月，低头思故乡。",
    "人工智能正在改变软件开发的方式，但测试、评审和清晰的设计仍然不可缺少。",
    "数据库迁移失败了，日志里写着连接超时，请问应该从哪里开始排查？",
    "她说周末想去爬山，可是天气预报说会下大雨，我们改去看展览吧。",
    "本产品支持七天无理由退货，请保留好购物凭证，并联系客服办理。",
    "面包需要面粉、水、盐和时间。先把面粉和水混合，静置一个小时再揉。",
    "好的，我明白了。还有一个问题：第二个查询为什么比第一个慢这么多？",
    "中国的二十四节气反映了农业社会对自然规律的观察，至今仍然影响着人们的生活。",
)
CODE: Final = (
    (
        "def wait(attempt: int, longest: float = 8.0) -> float:\n"
        '    """Seconds before the next attempt."""\n'
        "    return min(longest, 0.5 * 2.0 ** (attempt - 1))"
    ),
    "for (let i = 0; i < items.length; i++) {\n  if (items[i].id === id) {\n    return items[i];\n  }\n}",
    (
        "SELECT author, COUNT(*) AS turns\n"
        "FROM turn\n"
        "WHERE created_at >= '2026-01-01'\n"
        "GROUP BY author\n"
        "ORDER BY turns DESC\n"
        "LIMIT 10;"
    ),
    'docker run --rm -p 8080:8080 -v "$PWD/data:/data" -e REJOINDER_HTTP=0.0.0.0:8080 rejoinder:latest',
    '{\n  "name": "rejoinder",\n  "scopes": ["chat:write", "im:history"],\n  "retries": {"most": 4, "within": 30}\n}',
    (
        "class Join:\n"
        "    def __init__(self, said):\n"
        '        self._said, self._held = said, ""\n'
        "\n"
        "    def add(self, piece):\n"
        "        self._held += piece\n"
        "        return self._held"
    ),
    (
        "Traceback (most recent call last):\n"
        '  File "app.py", line 42, in <module>\n'
        "    main()\n"
        '  File "app.py", line 17, in main\n'
        '    raise ValueError(f"bad port: {port!r}")\n'
        "ValueError: bad port: '80a'"
    ),
    (
        "const total = rows\n"
        '  .filter((row) => row.state === "done")\n'
        "  .map((row) => row.tokens)\n"
        "  .reduce((a, b) => a + b, 0);"
    ),
    (
        "fn overlap(said: &str, more: &str) -> usize {\n"
        "    (0..=more.len()).rev().find(|&n| said.ends_with(&more[..n])).unwrap_or(0)\n"
        "}"
    ),
    (
        '@pytest.mark.parametrize(("api", "status"), [("chat", 429), ("responses", 503)])\n'
        "async def test_it(api: str, status: int) -> None:\n"
        "    assert await ask(api) is None"
    ),
)
EMOJI: Final = (
    "😀🎉 great job team!! 🚀🚀🚀",
    "ok 👍🏽 see you at 5 🕔 downtown 🏙️",
    "lol 😂😂😂 that was the best demo ever 🔥",
    "☕️ + 🥐 = 😍",
    "🤔 hmm, not sure about that one… 🤷‍♀️",
    "💯 agreed ✅ shipping it today 🚢",
    "🐛 fixed 🎊 deploy now? 🙏",
    "👩‍👩‍👧‍👦 family trip next week ❤️ 🏖️ 🌞",
    "so tired 😴😴 coffee?? ☕☕",
    "🎂🥳 happy birthday!!! 🎈🎁",
)
FIGURES: Final = (
    "The invoice 2026-11-25/00417 over 1,284.50 EUR is due on 2026-12-24; 19 % VAT is 205.09 EUR.",
    "Ports 8080, 8081 and 5432 are open; latency p50 12.4 ms, p95 61.0 ms, p99 188.7 ms.",
    "Call between 09:15 and 17:45, room 4.21, extension 90210.",
    "3.14159 * 2.71828 = 8.53972; 1/7 = 0.142857; 2^16 = 65536.",
    "Run 17 of 40: 98.6 % passed, 3 failed, 12 skipped, 00:04:31 in all.",
    "Build 1.30.0-rc.2 (sha 9b5ad71b) replaces 1.29.4 from 2026-08-12.",
)
STOCK: Final = {"English": ENGLISH, "Chinese": CHINESE, "code": CODE, "emoji": EMOJI, "figures": FIGURES}


def conversation(kind: str, draw: random.Random) -> tuple[Message, ...]:
    """One to seven messages in turn, the last one a person's."""
    messages = []
    for number in range(draw.choice((1, 3, 5, 7))):
        kinds = draw.sample(list(STOCK), 2) if kind == "mixed" else [kind]
        text = "\n".join(draw.choice(STOCK[one]) for one in kinds for _ in range(draw.choice((1, 2))))
        role = Role.ASSISTANT if number % 2 else Role.USER
        messages.append(Message(role, text, "" if number % 2 else draw.choice(NAMES)))
    return tuple(messages)


def conversations(count: int, seed: int) -> list[tuple[str, tuple[Message, ...]]]:
    """So many, of each kind as many, in a mixed order."""
    draw = random.Random(seed)
    kinds = [KINDS[number % len(KINDS)] for number in range(count)]
    draw.shuffle(kinds)
    return [(kind, conversation(kind, draw)) for kind in kinds]
