"""Texts of people that hold nothing sensitive: numbers of things, dates, prose, Chinese text, tables."""

from __future__ import annotations

from random import Random

from tests.corpus.case import (
    DIGITS,
    HEX,
    UPPER,
    a_number,
    some,
    written,
)
from tests.corpus.machine import stamp, version
from tests.corpus.numbers import card, luhn_digit


def wrong_luhn(random: Random) -> str:
    digits = card(random, ("4", "51", "6222", "3528"), 16)
    return digits[:-1] + str((int(digits[-1]) + random.randint(1, 9)) % 10)


def table(random: Random) -> str:
    rows = ["| year | sold | share |", "| ---: | ---: | ---: |"]
    rows += [
        f"| {random.randint(1990, 2026)} | {random.randint(1, 999)} {a_number(random, 3)} {a_number(random, 3)} | {random.uniform(0, 99):.1f} % |"
        for _ in range(4)
    ]
    return "\n".join(rows)


def csv(random: Random) -> str:
    return "\n".join(
        ",".join(f"{random.uniform(-500, 9999):.{random.randint(0, 6)}f}" for _ in range(6)) for _ in range(4)
    )


def columns(random: Random) -> str:
    return "\n".join("  ".join(f"{random.randint(0, 99999):>7}" for _ in range(6)) for _ in range(4))


def named_number(random: Random) -> str:
    """A number that its name makes no person's: as long as a telephone number or a card."""
    name = random.choice(
        (
            "order",
            "Order no.",
            "order_id:",
            "invoice #",
            "tracking number",
            "ticket",
            "build",
            "issue #",
            "serial number",
            "ref:",
            "订单号",
            "订单编号：",
            "快递单号",
            "运单号：",
            "流水号",
            "发票号码",
            "物流单号 ",
            "batch",
            "SKU",
            "item no.",
            "case",
            "part no.",
            "receipt",
            "transaction id",
            "request id",
            "工单号",
            "商品编号",
        )
    )
    number = random.choice(
        (
            f"1{random.choice('3578')}{some(random, DIGITS, 9)}",
            a_number(random, 10),
            a_number(random, 12),
            card(random, ("4", "62"), 16),
            written(random, "999-9999999-9999999"),
            a_number(random, 16),
        )
    )
    return f"{name}{'' if name[-1] == '#' else ' '}{number}"


def dates(random: Random) -> str:
    day, month, year = random.randint(1, 28), random.randint(1, 12), random.randint(1990, 2026)
    return random.choice(
        (
            f"{year}-{month:02}-{day:02} {random.randint(0, 23):02}:{random.randint(0, 59):02}",
            f"{day:02}.{month:02}.{year} - {day:02}.{month:02}.{year + 1}",
            f"{year}{month:02}{day:02}{a_number(random, 6)}",
            f"{year}年{month}月{day}日",
            f"from {year}-{year + 3} and {year + 4}-{year + 6}",
            f"17{a_number(random, 8)}",
            f"17{a_number(random, 11)}",
            f"{month}/{day}/{year}, {month}/{day + 1}/{year}",
            f"W{random.randint(10, 52)} {year}",
            f"{stamp(random)}+08:00",
            f"{random.randint(10, 12)}:{random.randint(10, 59)}-{random.randint(13, 23)}:{random.randint(10, 59)}",
        )
    )


def chinese(random: Random) -> str:
    return random.choice(
        (
            f"公司于{random.randint(1990, 2025)}年{random.randint(1, 12)}月成立，注册资本{a_number(random, 4)}万元。",
            f"今年第{random.randint(1, 4)}季度营收{a_number(random, 3)}.{a_number(random, 2)}亿元，同比增长{random.randint(1, 99)}.{random.randint(1, 9)}%。",
            f"股票代码{a_number(random, 6)}，今日收盘价{random.randint(1, 900)}.{a_number(random, 2)}元。",
            f"统一社会信用代码：91110108MA01{some(random, UPPER + DIGITS, 6)}",
            f"快递单号SF{a_number(random, 13)}，预计明天到。",
            "请输入密码，密码长度为8到16位，须包含字母和数字。",
            "忘记密码可以通过邮箱或手机号找回，验证码5分钟内有效。",
            f"车牌京A{some(random, UPPER + DIGITS, 5)}，停在B{random.randint(1, 4)}层{a_number(random, 3)}号车位。",
            f"航班CA{a_number(random, 4)}于{random.randint(10, 23)}:{random.randint(10, 59)}起飞，登机口C{random.randint(1, 60)}。",
            f"邮编{a_number(random, 6)}，门牌号{a_number(random, 3)}号。",
            "手机号一共11位，身份证号18位，银行卡号16到19位。",
            f"第{random.randint(1, 99)}页，共{random.randint(100, 999)}页；样本量n={a_number(random, 5)}，p<0.05。",
            f"《民法典》第{a_number(random, 4)}条规定，债权人可以请求赔偿。",
            f"书号ISBN 978-7-{a_number(random, 3)}-{a_number(random, 5)}-{random.randint(0, 9)}，定价{a_number(random, 2)}.80元。",
            "电话会议改到下午三点，密钥管理的议题放到最后。",
            f"彩票开奖号码：{' '.join(f'{n:02}' for n in sorted(random.sample(range(1, 34), 6)))}",
            f"坐标：东经{random.randint(73, 135)}.{a_number(random, 4)}，北纬{random.randint(18, 53)}.{a_number(random, 4)}。",
            f"型号：HX-{a_number(random, 8)}，数量{a_number(random, 4)}件，批次{a_number(random, 8)}。",
            f"群里现在有{a_number(random, 3)}人，今天发了{a_number(random, 5)}条消息。",
            "令牌桶算法和漏桶算法有什么区别？API密钥应该放在哪里？",
        )
    )


def prose(random: Random) -> str:
    return random.choice(
        (
            "Reset your password by clicking the link; the token expires in 30 minutes.",
            f"The meeting is at {random.randint(1, 12)}:30, room {a_number(random, 3)}, call me when you are there.",
            "Passwords must have 12 characters, a digit and a mark such as ! or ?.",
            f"In {random.randint(1800, 2020)} the town had {random.randint(1, 99)},{a_number(random, 3)} inhabitants.",
            "What is the difference between an API key and an access token?",
            "The secret of a good soup is patience.",
            f"Our phone support handles {a_number(random, 4)} calls a day; email takes longer.",
            "Where is the private key stored, and who may read it?",
            "the password is required, and the username is optional",
            "Use Bearer authentication; Basic authentication is deprecated.",
            f"Chapter {random.randint(1, 40)}, verses {random.randint(1, 20)}-{random.randint(21, 40)}; see pp. {a_number(random, 3)}-{a_number(random, 3)}.",
            "pi is 3.14159265358979323846 and e is 2.7182818284590452353",
            f"The score was {random.randint(0, 120)}-{random.randint(0, 120)} after {random.randint(1, 3)} overtimes.",
            f"It costs 1 {a_number(random, 3)} {a_number(random, 3)},{a_number(random, 2)} EUR or about $1,{a_number(random, 3)},{a_number(random, 3)}.00.",
            "My key takeaway: token limits matter more than key length.",
            f"coordinates {random.uniform(-90, 90):.6f}, {random.uniform(-180, 180):.6f}",
            f"Lot {a_number(random, 6)}, expires {random.randint(1, 12):02}/2028, keep below 25 °C.",
            f"sizes: 1920x1080, 2560x1440, {a_number(random, 4)}x{a_number(random, 4)}",
            f"{random.randint(2, 9)} tbsp of oil, {a_number(random, 3)} g of flour, 1 1/2 cups of milk, 180 °C for 25-30 minutes",
            "1. e4 e5 2. Nf3 Nc6 3. Bb5 a6 4. Ba4 Nf6 5. O-O Be7",
            f"DNA: {''.join(random.choices('ACGT', k=48))}",
            f"MAC {':'.join(some(random, HEX, 2) for _ in range(6))}, mask 255.255.255.0",
            "password: (not set)",
            "Password: ********",
            "token: <redacted>",
            "The keys are: name, age, city.",
            "key: value",
            "Press Ctrl+Shift+P and type > Reload Window",
            "pass: 1024, fail: 3, skip: 17",
            'secret: see 1Password, vault "Production"',
        )
    )


def numbers(random: Random) -> str:
    return random.choice(
        (
            wrong_luhn(random),
            f"{(n := wrong_luhn(random))[:4]} {n[4:8]} {n[8:12]} {n[12:]}",
            f"IMEI {(body := a_number(random, 14))}{luhn_digit(body)}",
            f"ISBN 978-{random.randint(0, 9)}-{a_number(random, 3)}-{a_number(random, 5)}-{random.randint(0, 9)}",
            f"1Z{some(random, UPPER + DIGITS, 16)}",
            f"EAN {a_number(random, 13)}",
            f"{a_number(random, 3)} {a_number(random, 3)} {a_number(random, 3)} {a_number(random, 3)}",
            f"0x{some(random, HEX, 16)}",
            f"{random.uniform(0, 1):.16f}",
            f"{a_number(random, 2)}e-{random.randint(5, 30)}",
            f"{a_number(random, 22)}",
            f"[{', '.join(a_number(random, 5) for _ in range(8))}]",
            f"step {' '.join(str(n) for n in range(1, 13))}",
            " ".join(a_number(random, 2) for _ in range(12)),
            f"rgb({random.randint(0, 255)}, {random.randint(0, 255)}, {random.randint(0, 255)}) #{some(random, HEX, 6)}",
            f"{a_number(random, 8)}",
            f"{a_number(random, 5)}-{a_number(random, 4)}",
            f"000-{a_number(random, 2)}-{a_number(random, 4)}",
            f"666-{a_number(random, 2)}-{a_number(random, 4)}",
            f"{a_number(random, 3)}-00-{a_number(random, 4)}",
            f"ratio {a_number(random, 3)}/{a_number(random, 3)}/{a_number(random, 3)}",
            f"{a_number(random, 6)}.{a_number(random, 6)}",
            f"port {a_number(random, 4)}-{a_number(random, 4)}, pid {a_number(random, 5)}",
        )
    )


def emails(random: Random) -> str:
    return random.choice(
        (
            f"logo@2x.png and icon@{random.randint(2, 4)}x.webp",
            f"vue@{version(random)}",
            "@everyone please read, @here too",
            "git@gitlab.com:group/project.git",
            f"@acme/ui@^{version(random)}",
            "user@host:~$ ls -la",
            "3 apples @ $2.50 each",
            "a @ b.T in numpy",
            "@media (max-width: 600px) {}",
            "@app.route('/login', methods=['POST'])",
            "root@localhost",
            "git+ssh://git@github.com/owner/repo.git",
            "follow @ada_lovelace and @grace.hopper",
            "meet @ 5pm?",
            "foo@bar",
            f"pip install pkg@git+https://github.com/o/r@v{version(random)}",
            "x@y",
            "5@6.",
            "@Override public String toString()",
            "微博@人民日报 和 @新华社",
        )
    )
