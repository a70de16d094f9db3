"""What looks like sensitive data and is none: order numbers, hashes, versions, dates, ids, code, logs, addresses, tables, Chinese text.

Each shape is a function; what it makes must stay as it is.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from random import Random
from uuid import UUID

from tests.corpus.case import (
    ALNUM,
    BASE32,
    BASE64,
    BASE64URL,
    DIGITS,
    HEX,
    LOWER,
    UPPER,
    Case,
    a_number,
    some,
    written,
)
from tests.corpus.numbers import card, luhn_digit

Make = Callable[[Random], str]


def _wrong_luhn(random: Random) -> str:
    digits = card(random, ("4", "51", "6222", "3528"), 16)
    return digits[:-1] + str((int(digits[-1]) + random.randint(1, 9)) % 10)


def _uuid(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))


def _stamp(random: Random) -> str:
    return f"2026-{random.randint(1, 12):02}-{random.randint(1, 28):02}T{random.randint(0, 23):02}:{random.randint(0, 59):02}:{random.randint(0, 59):02}"


def _version(random: Random) -> str:
    return ".".join(str(random.randint(0, 30)) for _ in range(3))


def _picture(random: Random) -> str:
    head = random.choice(
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", b"GIF89a")
    )
    return b64encode(head + random.randbytes(random.randint(90, 900))).decode()


def _certificate(random: Random) -> str:
    body = b64encode(random.randbytes(600)).decode()
    lines = "\n".join(body[start : start + 64] for start in range(0, len(body), 64))
    kind = random.choice(
        (
            "CERTIFICATE",
            "PUBLIC KEY",
            "RSA PUBLIC KEY",
            "CERTIFICATE REQUEST",
            "PGP PUBLIC KEY BLOCK",
            "PGP SIGNATURE",
        )
    )
    return f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----"


def _minified(random: Random) -> str:
    pieces = []
    for _ in range(random.randint(8, 30)):
        a, b, c = some(random, LOWER, 1), some(random, LOWER, 1), some(random, LOWER, 2)
        pieces.append(
            random.choice(
                (
                    f"function {a}({b},{c}){{return {b}<<{random.randint(1, 30)}|{c}>>>{random.randint(1, 30)}}}",
                    f"var {c}={random.randint(1, 99999)},{a}=!0;",
                    f"{c}.prototype.{a}=function(){{return this.{b}}};",
                    f"if({a}!==void 0)for(var {b}=0;{b}<{c}.length;{b}++){a}[{b}]=0x{some(random, HEX, 8)};",
                    f'e.exports={{{a}:"{some(random, LOWER, 5)}",{b}:{random.random():.8f}}};',
                    f"t.d(n,{{{a}:()=>{b},{c}:()=>{a}}});",
                )
            )
        )
    return "".join(pieces)


def _svg(random: Random) -> str:
    points = "".join(
        f"{random.choice('MLCHVQ')}{random.uniform(0, 900):.2f} {random.uniform(0, 900):.2f}"
        for _ in range(random.randint(4, 20))
    )
    return f'<path d="{points}z" fill="#{some(random, HEX, 6)}"/>'


def _table(random: Random) -> str:
    rows = ["| year | sold | share |", "| ---: | ---: | ---: |"]
    rows += [
        f"| {random.randint(1990, 2026)} | {random.randint(1, 999)} {a_number(random, 3)} {a_number(random, 3)} | {random.uniform(0, 99):.1f} % |"
        for _ in range(4)
    ]
    return "\n".join(rows)


def _csv(random: Random) -> str:
    return "\n".join(
        ",".join(f"{random.uniform(-500, 9999):.{random.randint(0, 6)}f}" for _ in range(6)) for _ in range(4)
    )


def _columns(random: Random) -> str:
    return "\n".join("  ".join(f"{random.randint(0, 99999):>7}" for _ in range(6)) for _ in range(4))


def _log(random: Random) -> str:
    return random.choice(
        (
            f'127.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET /items/{a_number(random, 11)} HTTP/1.1" 200 {random.randint(99, 99999)} "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"',
            f"{_stamp(random)}.{some(random, DIGITS, 3)}Z [INFO] [thread-{random.randint(1, 99)}] request_id={_uuid(random)} took {random.randint(1, 9999)} ms",
            f"kernel: [{random.uniform(1, 99999):.6f}] usb 1-1: new high-speed USB device number {random.randint(1, 99)} using xhci_hcd",
            f"trace_id={some(random, HEX, 32)} span_id={some(random, HEX, 16)} duration_ns={a_number(random, 10)}",
            f"W{written(random, '9999 99:99:99.999999')} {random.randint(1000, 99999)} cache.go:{random.randint(10, 999)}] evicted {a_number(random, 8)} bytes",
            f"OOMKilled pod/api-{some(random, HEX, 10)}-{some(random, LOWER, 5)} exit code 137 at {_stamp(random)}Z",
            f"traceparent: 00-{some(random, HEX, 32)}-{some(random, HEX, 16)}-01",
            f'  File "/usr/lib/python3.12/site-packages/sqlalchemy/engine/base.py", line {a_number(random, 4)}, in _execute_context',
        )
    )


def _code(random: Random) -> str:
    return random.choice(
        (
            "password = os.environ.get('DB_PASSWORD', '')",
            "const token = req.headers.authorization?.split(' ')[1];",
            "self.api_key = api_key or settings.OPENAI_API_KEY",
            "def login(self, username: str, password: str) -> Token:",
            "if not check_password_hash(user.password_hash, form.password.data):",
            "secret = hashlib.sha256(payload.encode()).hexdigest()",
            "client = OpenAI(api_key=os.environ['OPENAI_API_KEY'])",
            f"assert len(token) == {random.randint(16, 99)}, 'token must have that many characters'",
            f"MAX_TOKENS = {random.randint(100, 99999)}  # tokens per minute",
            "password: Annotated[str, Field(min_length=8)]",
            "GITHUB_TOKEN: ${{ secrets.GITHUB_TOKEN }}",
            'curl -H "Authorization: Bearer $TOKEN" https://api.example.com/v1/users',
            'public static final String KEY_PREFIX = "cache:user:v2:";',
            f"for (int i = 0; i < {random.randint(10, 9999)}; i++) sum += a[i] * 0x{some(random, HEX, 8)};",
            "SELECT u.email, u.phone FROM users u WHERE u.id = :id AND u.password_hash = crypt(:pw, u.password_hash)",
            f"#define FNV_PRIME_64 {a_number(random, 13)}ULL",
            "key = lambda row: (row.year, -row.total)",
            '<input type="password" name="password" autocomplete="current-password" required>',
            "token_count = sum(len(enc.encode(m.text)) for m in messages)",
            "@decorator(token=Depends(get_current_token), key='user')",
            "r = requests.get(url, auth=(user, password), timeout=30)",
            "DATABASE_URL=postgresql://USER:PASSWORD@HOST:5432/DATABASE",
            "mongodb://username:password@localhost:27017/",
            "export AWS_SECRET_ACCESS_KEY=<your secret access key>",
            "OPENAI_API_KEY=sk-...",
            'api_key: "YOUR_API_KEY_HERE"',
            'password: "{{ vault_db_password }}"',
            "password=$(aws secretsmanager get-secret-value --secret-id db)",
            "git clone git@github.com:owner/project.git && cd project",
            f"scp build.tar.gz deploy@web-{random.randint(1, 9)}:/srv/app/",
            "import { Key } from '@acme/keys@2.1.0';",
            f"x = np.array([{', '.join(f'{random.uniform(-9, 9):.7f}' for _ in range(5))}])",
        )
    )


def _ids(random: Random) -> str:
    return random.choice(
        (
            f"chatcmpl-{some(random, ALNUM, 29)}", f"msg_{some(random, ALNUM, 24)}", f"call_{some(random, ALNUM, 24)}", f"toolu_01{some(random, ALNUM, 22)}",
            f"file-{some(random, ALNUM, 22)}", f"asst_{some(random, ALNUM, 24)}", f"cus_{some(random, ALNUM, 14)}", f"pi_3{some(random, ALNUM, 23)}",
            f"price_1{some(random, ALNUM, 23)}", f"pk_live_{some(random, ALNUM, 24)}", f"arn:aws:iam::{a_number(random, 12)}:role/deploy",
            f"i-0{some(random, HEX, 16)}", f"subnet-{some(random, HEX, 17)}", f"sg-{some(random, HEX, 17)}",
            f"{a_number(random, 12)}-{some(random, LOWER + DIGITS, 32)}.apps.googleusercontent.com", f"<@{a_number(random, 18)}>",
            f"<#C0{some(random, BASE32, 9)}|general>", f"U0{some(random, BASE32, 9)}", f"<:party:{a_number(random, 19)}>", f"ami-{some(random, HEX, 17)}",
            f"projects/{a_number(random, 12)}/locations/europe-west1", f"req_{some(random, ALNUM, 24)}", f"PROJ-{random.randint(1, 99999)}",
            f"doi:10.{random.randint(1000, 9999)}/{some(random, LOWER, 5)}.{a_number(random, 7)}", f"arXiv:{written(random, '26')}{random.randint(1, 9):02}.{some(random, DIGITS, 5)}",
            f"CVE-2026-{random.randint(1000, 99999)}", f"RFC {random.randint(100, 9999)}", f"{some(random, UPPER, 3)}{random.randint(100, 9999)}", f"youtu.be/{some(random, BASE64URL, 11)}",
        )
    )  # fmt: skip


def _named_number(random: Random) -> str:
    """A number that its name makes no person's: as long as a telephone number or a card."""
    name = random.choice(
        ("order", "Order no.", "order_id:", "invoice #", "tracking number", "ticket", "build", "issue #", "serial number", "ref:", "订单号", "订单编号：", "快递单号", "运单号：",
         "流水号", "发票号码", "物流单号 ", "batch", "SKU", "item no.", "case", "part no.", "receipt", "transaction id", "request id", "工单号", "商品编号")
    )  # fmt: skip
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
    return f"{name}{'' if name[-1] in '#' else ' '}{number}"


def _dates(random: Random) -> str:
    day, month, year = random.randint(1, 28), random.randint(1, 12), random.randint(1990, 2026)
    return random.choice(
        (
            f"{year}-{month:02}-{day:02} {random.randint(0, 23):02}:{random.randint(0, 59):02}", f"{day:02}.{month:02}.{year} - {day:02}.{month:02}.{year + 1}", f"{year}{month:02}{day:02}{a_number(random, 6)}",
            f"{year}年{month}月{day}日", f"from {year}-{year + 3} and {year + 4}-{year + 6}", f"17{a_number(random, 8)}", f"17{a_number(random, 11)}", f"{month}/{day}/{year}, {month}/{day + 1}/{year}",
            f"W{random.randint(10, 52)} {year}", f"{_stamp(random)}+08:00", f"{random.randint(10, 12)}:{random.randint(10, 59)}-{random.randint(13, 23)}:{random.randint(10, 59)}",
        )
    )  # fmt: skip


def _hashes(random: Random) -> str:
    return random.choice(
        (
            f"commit {some(random, HEX, 40)}", f"sha256:{some(random, HEX, 64)}", f"md5 {some(random, HEX, 32)}", f"fixed in {some(random, HEX, 7)}", f"ETag: W/\"{some(random, HEX, 32)}\"",
            f'"integrity": "sha512-{b64encode(random.randbytes(64)).decode()}"', f"h1:{b64encode(random.randbytes(32)).decode()}", f"{some(random, HEX, 64)}  app.tar.gz",
            f"image@sha256:{some(random, HEX, 64)}", f"index {some(random, HEX, 7)}..{some(random, HEX, 7)} 100644", f"--hash=sha256:{some(random, HEX, 64)}",
            f"Merge {some(random, HEX, 40)} into {some(random, HEX, 40)}", f"checksum = \"{some(random, HEX, 64)}\"", f"$2b$12${some(random, ALNUM + './', 53)}"[:7] + "... is how a bcrypt hash begins",
        )
    )  # fmt: skip


def _versions(random: Random) -> str:
    v = _version(random)
    return random.choice(
        (
            f"upgrade to {v}", f"v{v}-rc.{random.randint(1, 9)}+{written(random, '99999999')}", f"Chrome/{random.randint(90, 140)}.0.{a_number(random, 4)}.{random.randint(10, 200)}", f"node@{v}, react@{v}",
            f"Windows 10.0.{a_number(random, 5)}.{a_number(random, 4)}", f"openssl 3.{random.randint(0, 5)}.{random.randint(0, 20)}", f"version {v}.{random.randint(1, 99)}", f"numpy=={v}", f"{some(random, LOWER, 6)}-{v}.tar.gz",
            f"python:3.12.{random.randint(0, 9)}-slim-bookworm", f"@types/node@{v}", f"actions/checkout@v{random.randint(2, 5)}", f"claude-sonnet-4-5-20250929 and gpt-4o-2024-{written(random, '99')}-06", f"gpt-5-mini, llama-3.{random.randint(1, 9)}-70b-instruct",
        )
    )  # fmt: skip


def _addresses(random: Random) -> str:
    return random.choice(
        (
            f"https://example.com/p/{a_number(random, 11)}?ref={some(random, LOWER, 6)}", f"https://github.com/owner/repo/commit/{some(random, HEX, 40)}", f"https://www.youtube.com/watch?v={some(random, BASE64URL, 11)}",
            f"https://docs.google.com/document/d/1{some(random, BASE64URL, 43)}/edit", f"https://medium.com/@someone/how-to-{some(random, LOWER, 6)}-{some(random, HEX, 12)}", f"https://discord.com/channels/{a_number(random, 18)}/{a_number(random, 19)}",
            f"https://acme.slack.com/archives/C0{some(random, BASE32, 9)}/p17{a_number(random, 14)}", f"https://cdn.example.com/{some(random, HEX, 32)}/logo@2x.png", f"http://localhost:{a_number(random, 4)}/@vite/client",
            f"https://item.taobao.com/item.htm?id={a_number(random, 12)}", f"s3://bucket-{some(random, LOWER, 5)}/2026/11/part-{written(random, '99999')}.parquet", f"https://x.com/someone/status/{a_number(random, 19)}",
            f"https://www.amazon.com/dp/B0{some(random, UPPER + DIGITS, 8)}", "https://user:password@example.com/path", f"https://registry.example.com/v2/app/blobs/sha256:{some(random, HEX, 64)}", f"https://example.com/a?utm_source=x&gclid={some(random, BASE64URL, 60)}",
        )
    )  # fmt: skip


def _chinese(random: Random) -> str:
    return random.choice(
        (
            f"公司于{random.randint(1990, 2025)}年{random.randint(1, 12)}月成立，注册资本{a_number(random, 4)}万元。", f"今年第{random.randint(1, 4)}季度营收{a_number(random, 3)}.{a_number(random, 2)}亿元，同比增长{random.randint(1, 99)}.{random.randint(1, 9)}%。",
            f"股票代码{a_number(random, 6)}，今日收盘价{random.randint(1, 900)}.{a_number(random, 2)}元。", f"统一社会信用代码：91110108MA01{some(random, UPPER + DIGITS, 6)}", f"快递单号SF{a_number(random, 13)}，预计明天到。",
            "请输入密码，密码长度为8到16位，须包含字母和数字。", "忘记密码可以通过邮箱或手机号找回，验证码5分钟内有效。", f"车牌京A{some(random, UPPER + DIGITS, 5)}，停在B{random.randint(1, 4)}层{a_number(random, 3)}号车位。", f"航班CA{a_number(random, 4)}于{random.randint(10, 23)}:{random.randint(10, 59)}起飞，登机口C{random.randint(1, 60)}。",
            f"邮编{a_number(random, 6)}，门牌号{a_number(random, 3)}号。", "手机号一共11位，身份证号18位，银行卡号16到19位。", f"第{random.randint(1, 99)}页，共{random.randint(100, 999)}页；样本量n={a_number(random, 5)}，p<0.05。", f"《民法典》第{a_number(random, 4)}条规定，债权人可以请求赔偿。",
            f"书号ISBN 978-7-{a_number(random, 3)}-{a_number(random, 5)}-{random.randint(0, 9)}，定价{a_number(random, 2)}.80元。", "电话会议改到下午三点，密钥管理的议题放到最后。", f"彩票开奖号码：{' '.join(f'{n:02}' for n in sorted(random.sample(range(1, 34), 6)))}", f"坐标：东经{random.randint(73, 135)}.{a_number(random, 4)}，北纬{random.randint(18, 53)}.{a_number(random, 4)}。",
            f"型号：HX-{a_number(random, 8)}，数量{a_number(random, 4)}件，批次{a_number(random, 8)}。", f"群里现在有{a_number(random, 3)}人，今天发了{a_number(random, 5)}条消息。", "令牌桶算法和漏桶算法有什么区别？API密钥应该放在哪里？",
        )
    )  # fmt: skip


def _prose(random: Random) -> str:
    return random.choice(
        (
            "Reset your password by clicking the link; the token expires in 30 minutes.", f"The meeting is at {random.randint(1, 12)}:30, room {a_number(random, 3)}, call me when you are there.", "Passwords must have 12 characters, a digit and a mark such as ! or ?.", f"In {random.randint(1800, 2020)} the town had {random.randint(1, 99)},{a_number(random, 3)} inhabitants.",
            "What is the difference between an API key and an access token?", "The secret of a good soup is patience.", f"Our phone support handles {a_number(random, 4)} calls a day; email takes longer.", "Where is the private key stored, and who may read it?", "the password is required, and the username is optional", "Use Bearer authentication; Basic authentication is deprecated.",
            f"Chapter {random.randint(1, 40)}, verses {random.randint(1, 20)}-{random.randint(21, 40)}; see pp. {a_number(random, 3)}-{a_number(random, 3)}.", f"pi is 3.14159265358979323846 and e is 2.7182818284590452353", f"The score was {random.randint(0, 120)}-{random.randint(0, 120)} after {random.randint(1, 3)} overtimes.", f"It costs 1 {a_number(random, 3)} {a_number(random, 3)},{a_number(random, 2)} EUR or about $1,{a_number(random, 3)},{a_number(random, 3)}.00.", "My key takeaway: token limits matter more than key length.",
            f"coordinates {random.uniform(-90, 90):.6f}, {random.uniform(-180, 180):.6f}", f"Lot {a_number(random, 6)}, expires {random.randint(1, 12):02}/2028, keep below 25 °C.", f"sizes: 1920x1080, 2560x1440, {a_number(random, 4)}x{a_number(random, 4)}", f"{random.randint(2, 9)} tbsp of oil, {a_number(random, 3)} g of flour, 1 1/2 cups of milk, 180 °C for 25-30 minutes", "1. e4 e5 2. Nf3 Nc6 3. Bb5 a6 4. Ba4 Nf6 5. O-O Be7",
            f"DNA: {''.join(random.choices('ACGT', k=48))}", f"MAC {':'.join(some(random, HEX, 2) for _ in range(6))}, mask 255.255.255.0", "password: (not set)", "Password: ********", "token: <redacted>", "The keys are: name, age, city.", "key: value", "Press Ctrl+Shift+P and type > Reload Window", "pass: 1024, fail: 3, skip: 17", "secret: see 1Password, vault \"Production\"",
        )
    )  # fmt: skip


def _numbers(random: Random) -> str:
    return random.choice(
        (
            _wrong_luhn(random), f"{_wrong_luhn(random)[:4]} {_wrong_luhn(random)[4:8]} {_wrong_luhn(random)[8:12]} 0000 0", f"IMEI {(body := a_number(random, 14))}{luhn_digit(body)}", f"ISBN 978-{random.randint(0, 9)}-{a_number(random, 3)}-{a_number(random, 5)}-{random.randint(0, 9)}",
            f"1Z{some(random, UPPER + DIGITS, 16)}", f"EAN {a_number(random, 13)}", f"{a_number(random, 3)} {a_number(random, 3)} {a_number(random, 4)} {a_number(random, 2)}", f"0x{some(random, HEX, 16)}", f"{random.uniform(0, 1):.16f}", f"{a_number(random, 2)}e-{random.randint(5, 30)}", f"{a_number(random, 22)}",
            f"[{', '.join(a_number(random, 5) for _ in range(8))}]", f"step {' '.join(str(n) for n in range(1, 13))}", " ".join(a_number(random, 2) for _ in range(12)), f"rgb({random.randint(0, 255)}, {random.randint(0, 255)}, {random.randint(0, 255)}) #{some(random, HEX, 6)}", f"{a_number(random, 8)}", f"{a_number(random, 5)}-{a_number(random, 4)}",
            f"000-{a_number(random, 2)}-{a_number(random, 4)}", f"666-{a_number(random, 2)}-{a_number(random, 4)}", f"{a_number(random, 3)}-00-{a_number(random, 4)}", f"ratio {a_number(random, 3)}/{a_number(random, 3)}/{a_number(random, 3)}", f"{a_number(random, 6)}.{a_number(random, 6)}", f"port {a_number(random, 4)}-{a_number(random, 4)}, pid {a_number(random, 5)}",
        )
    )  # fmt: skip


def _emails(random: Random) -> str:
    return random.choice(
        (
            f"logo@2x.png and icon@{random.randint(2, 4)}x.webp", f"vue@{_version(random)}", "@everyone please read, @here too", "git@gitlab.com:group/project.git", f"@acme/ui@^{_version(random)}", "user@host:~$ ls -la", "3 apples @ $2.50 each", "a @ b.T in numpy", "@media (max-width: 600px) {}", "@app.route('/login', methods=['POST'])",
            "root@localhost", "git+ssh://git@github.com/owner/repo.git", "follow @ada_lovelace and @grace.hopper", "meet @ 5pm?", "foo@bar", f"pip install pkg@git+https://github.com/o/r@v{_version(random)}", "x@y", "5@6.", "@Override public String toString()", "微博@人民日报 和 @新华社",
        )
    )  # fmt: skip


SHAPES: tuple[tuple[str, int, Make], ...] = (
    ("order and other numbers", 3, _named_number), ("hashes", 3, _hashes), ("versions", 2, _versions), ("dates and times", 2, _dates), ("UUIDs", 1, lambda r: f"{r.choice(('id ', 'request ', '', 'uuid: '))}{_uuid(r)}"),
    ("code", 3, _code), ("log lines", 2, _log), ("addresses", 3, _addresses), ("Chinese text", 3, _chinese), ("prose", 3, _prose), ("tables", 1, _table), ("columns of numbers", 1, _columns), ("CSV of numbers", 1, _csv),
    ("pictures in base64", 1, lambda r: f"data:image/png;base64,{_picture(r)}"), ("base64", 1, lambda r: b64encode(r.randbytes(r.randint(40, 400))).decode()), ("minified code", 1, _minified), ("SVG paths", 1, _svg), ("certificates and public keys", 1, _certificate),
    ("ids of objects", 3, _ids), ("other numbers", 3, _numbers), ("with an @", 2, _emails), ("UUIDs in JSON", 1, lambda r: f'{{"id": "{_uuid(r)}", "parent": "{_uuid(r)}", "n": {a_number(r, 9)}}}'),
    ("SSH public keys", 1, lambda r: f"ssh-{r.choice(('ed25519', 'rsa'))} AAAA{some(r, BASE64, r.choice((64, 372)))} ada@laptop"),
)  # fmt: skip
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
