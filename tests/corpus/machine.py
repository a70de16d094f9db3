"""Texts of machines that hold nothing sensitive: code, logs, ids, hashes, versions, addresses, pictures, certificates."""

from __future__ import annotations

from base64 import b64encode
from random import Random
from uuid import UUID

from tests.corpus.case import (
    ALNUM,
    BASE32,
    BASE64URL,
    DIGITS,
    HEX,
    LOWER,
    UPPER,
    a_number,
    some,
    written,
)


def uuid(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))


def stamp(random: Random) -> str:
    return f"2026-{random.randint(1, 12):02}-{random.randint(1, 28):02}T{random.randint(0, 23):02}:{random.randint(0, 59):02}:{random.randint(0, 59):02}"


def version(random: Random) -> str:
    return ".".join(str(random.randint(0, 30)) for _ in range(3))


def picture(random: Random) -> str:
    head = random.choice(
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", b"GIF89a")
    )
    return b64encode(head + random.randbytes(random.randint(90, 900))).decode()


def certificate(random: Random) -> str:
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


def minified(random: Random) -> str:
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


def svg(random: Random) -> str:
    points = "".join(
        f"{random.choice('MLCHVQ')}{random.uniform(0, 900):.2f} {random.uniform(0, 900):.2f}"
        for _ in range(random.randint(4, 20))
    )
    return f'<path d="{points}z" fill="#{some(random, HEX, 6)}"/>'


def log(random: Random) -> str:
    return random.choice(
        (
            f'127.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET /items/{a_number(random, 11)} HTTP/1.1" 200 {random.randint(99, 99999)} "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"',
            f"{stamp(random)}.{some(random, DIGITS, 3)}Z [INFO] [thread-{random.randint(1, 99)}] request_id={uuid(random)} took {random.randint(1, 9999)} ms",
            f"kernel: [{random.uniform(1, 99999):.6f}] usb 1-1: new high-speed USB device number {random.randint(1, 99)} using xhci_hcd",
            f"trace_id={some(random, HEX, 32)} span_id={some(random, HEX, 16)} duration_ns={a_number(random, 10)}",
            f"W{written(random, '9999 99:99:99.999999')} {random.randint(1000, 99999)} cache.go:{random.randint(10, 999)}] evicted {a_number(random, 8)} bytes",
            f"OOMKilled pod/api-{some(random, HEX, 10)}-{some(random, LOWER, 5)} exit code 137 at {stamp(random)}Z",
            f"traceparent: 00-{some(random, HEX, 32)}-{some(random, HEX, 16)}-01",
            f'  File "/usr/lib/python3.12/site-packages/sqlalchemy/engine/base.py", line {a_number(random, 4)}, in _execute_context',
        )
    )


def code(random: Random) -> str:
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


def ids(random: Random) -> str:
    return random.choice(
        (
            f"chatcmpl-{some(random, ALNUM, 29)}",
            f"msg_{some(random, ALNUM, 24)}",
            f"call_{some(random, ALNUM, 24)}",
            f"toolu_01{some(random, ALNUM, 22)}",
            f"file-{some(random, ALNUM, 22)}",
            f"asst_{some(random, ALNUM, 24)}",
            f"cus_{some(random, ALNUM, 14)}",
            f"pi_3{some(random, ALNUM, 23)}",
            f"price_1{some(random, ALNUM, 23)}",
            f"pk_live_{some(random, ALNUM, 24)}",
            f"arn:aws:iam::{a_number(random, 12)}:role/deploy",
            f"i-0{some(random, HEX, 16)}",
            f"subnet-{some(random, HEX, 17)}",
            f"sg-{some(random, HEX, 17)}",
            f"{a_number(random, 12)}-{some(random, LOWER + DIGITS, 32)}.apps.googleusercontent.com",
            f"<@{a_number(random, 18)}>",
            f"<#C0{some(random, BASE32, 9)}|general>",
            f"U0{some(random, BASE32, 9)}",
            f"<:party:{a_number(random, 19)}>",
            f"ami-{some(random, HEX, 17)}",
            f"projects/{a_number(random, 12)}/locations/europe-west1",
            f"req_{some(random, ALNUM, 24)}",
            f"PROJ-{random.randint(1, 99999)}",
            f"doi:10.{random.randint(1000, 9999)}/{some(random, LOWER, 5)}.{a_number(random, 7)}",
            f"arXiv:{written(random, '26')}{random.randint(1, 9):02}.{some(random, DIGITS, 5)}",
            f"CVE-2026-{random.randint(1000, 99999)}",
            f"RFC {random.randint(100, 9999)}",
            f"{some(random, UPPER, 3)}{random.randint(100, 9999)}",
            f"youtu.be/{some(random, BASE64URL, 11)}",
        )
    )


def hashes(random: Random) -> str:
    return random.choice(
        (
            f"commit {some(random, HEX, 40)}",
            f"sha256:{some(random, HEX, 64)}",
            f"md5 {some(random, HEX, 32)}",
            f"fixed in {some(random, HEX, 7)}",
            f'ETag: W/"{some(random, HEX, 32)}"',
            f'"integrity": "sha512-{b64encode(random.randbytes(64)).decode()}"',
            f"h1:{b64encode(random.randbytes(32)).decode()}",
            f"{some(random, HEX, 64)}  app.tar.gz",
            f"image@sha256:{some(random, HEX, 64)}",
            f"index {some(random, HEX, 7)}..{some(random, HEX, 7)} 100644",
            f"--hash=sha256:{some(random, HEX, 64)}",
            f"Merge {some(random, HEX, 40)} into {some(random, HEX, 40)}",
            f'checksum = "{some(random, HEX, 64)}"',
            f"$2b$12${some(random, ALNUM + './', 53)}"[:7] + "... is how a bcrypt hash begins",
        )
    )


def versions(random: Random) -> str:
    v = version(random)
    return random.choice(
        (
            f"upgrade to {v}",
            f"v{v}-rc.{random.randint(1, 9)}+{written(random, '99999999')}",
            f"Chrome/{random.randint(90, 140)}.0.{a_number(random, 4)}.{random.randint(10, 200)}",
            f"node@{v}, react@{v}",
            f"Windows 10.0.{a_number(random, 5)}.{a_number(random, 4)}",
            f"openssl 3.{random.randint(0, 5)}.{random.randint(0, 20)}",
            f"version {v}.{random.randint(1, 99)}",
            f"numpy=={v}",
            f"{some(random, LOWER, 6)}-{v}.tar.gz",
            f"python:3.12.{random.randint(0, 9)}-slim-bookworm",
            f"@types/node@{v}",
            f"actions/checkout@v{random.randint(2, 5)}",
            f"claude-sonnet-4-5-20250929 and gpt-4o-2024-{written(random, '99')}-06",
            f"gpt-5-mini, llama-3.{random.randint(1, 9)}-70b-instruct",
        )
    )


def addresses(random: Random) -> str:
    return random.choice(
        (
            f"https://example.com/p/{a_number(random, 11)}?ref={some(random, LOWER, 6)}",
            f"https://github.com/owner/repo/commit/{some(random, HEX, 40)}",
            f"https://www.youtube.com/watch?v={some(random, BASE64URL, 11)}",
            f"https://docs.google.com/document/d/1{some(random, BASE64URL, 43)}/edit",
            f"https://medium.com/@someone/how-to-{some(random, LOWER, 6)}-{some(random, HEX, 12)}",
            f"https://discord.com/channels/{a_number(random, 18)}/{a_number(random, 19)}",
            f"https://acme.slack.com/archives/C0{some(random, BASE32, 9)}/p17{a_number(random, 14)}",
            f"https://cdn.example.com/{some(random, HEX, 32)}/logo@2x.png",
            f"http://localhost:{a_number(random, 4)}/@vite/client",
            f"https://item.taobao.com/item.htm?id={a_number(random, 12)}",
            f"s3://bucket-{some(random, LOWER, 5)}/2026/11/part-{written(random, '99999')}.parquet",
            f"https://x.com/someone/status/{a_number(random, 19)}",
            f"https://www.amazon.com/dp/B0{some(random, UPPER + DIGITS, 8)}",
            "https://user:password@example.com/path",
            f"https://registry.example.com/v2/app/blobs/sha256:{some(random, HEX, 64)}",
            f"https://example.com/a?utm_source=x&gclid={some(random, BASE64URL, 60)}",
        )
    )
