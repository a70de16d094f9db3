"""What is found of keys, tokens and passwords, and what only looks like them.

Secrets are put together at run time, so that no scanner of repositories takes them for real ones.
"""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode

import pytest

from bot.redaction import Redactor

REDACTOR = Redactor()

MIXED = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X4y5Z6"
HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def b64(text: str) -> str:
    return b64encode(text.encode()).decode()


def b64url(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


JWT = ".".join((b64url('{"alg":"HS256","typ":"JWT"}'), b64url('{"sub":"1234567890","name":"J"}'), MIXED[:43]))
BODY = "\n".join(b64(f"key material number {n}, as long as a line is") for n in range(4))


def pem(kind: str = "RSA PRIVATE KEY", body: str = BODY) -> str:
    return f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----"


# Before, the secret, behind.
API_KEYS = [
    ("key ", "sk-" + MIXED[:48], ""),
    ("", "sk-proj-" + MIXED + "_" + MIXED + "-x", " is mine"),
    ("export OPENAI_API_KEY=", "sk-svcacct-" + MIXED, ""),
    ("", "sk-" + HEX[:32], ""),
    ("用这个", "sk-ant-" + "api03-" + MIXED + MIXED[:40] + "-AA", "吧"),
    ("", "sk-or-v1-" + HEX, ""),
    ("", "AKIA" + "IOSFODNN7ABCDEFG", ","),
    ("", "ASIA" + "IOSFODNN7ABCDEFG", ""),
    ("aws_secret_access_key = ", "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYzEXAMPLEKEY"[:18], ""),
    ("", MIXED[:20] + "/" + MIXED[20:39], ""),
    ("", "AIza" + MIXED[:35], ""),
    ("", "GOCSPX-" + MIXED[:28], ""),
    ("", "ya29." + MIXED, ""),
    ("token: ", "ghp_" + "a1B2" * 9, ""),
    ("", "gho_" + "a1B2" * 9, "。"),
    ("", "ghs_" + "a1B2" * 9, ""),
    ("", "github_pat_" + MIXED[:22] + "_" + MIXED + MIXED[:7], ""),
    ("", "glpat-" + MIXED[:20], ""),
    ("", "xoxb-" + "123456789012-1234567890123-" + MIXED[:24], ""),
    ("", "xoxp-" + "123456789012-123456789012-" + HEX[:32], ""),
    ("", "xapp-" + "1-A0123456789-1234567890123-" + HEX, ""),
    ("", "xoxe.xoxp-" + "1-" + MIXED * 2, ""),
    ("POST ", "https://hooks.slack.com/services/" + "T00000001/B00000002/" + MIXED[:24], ""),
    ("", "https://discord.com/api/webhooks/" + "123456789012345678/" + MIXED + MIXED[:16], ""),
    ("bot ", "MTIzNDU2Nzg5MDEyMzQ1Njc4" + ".GaBcDe." + MIXED[:38], ""),
    ("", "sk_live_" + MIXED[:24], ""),
    ("", "rk_test_" + MIXED[:24], ""),
    ("", "whsec_" + MIXED[:32], ""),
    ("", "123456789:" + "AA" + MIXED[:33], ""),
    ("", "npm_" + MIXED[:36], ""),
    ("", "pypi-" + "AgEIcHlwaS5vcmc" + MIXED * 2, ""),
    ("", "SK" + HEX[:32], ""),
    ("", "AC" + HEX[:32], ""),
    ("", "SG." + MIXED[:22] + "." + MIXED[:43], ""),
    ("", "hf_" + MIXED[:34], ""),
    ("", "gsk_" + MIXED, ""),
    ("", "xai-" + MIXED + MIXED[:28], ""),
    ("", "LTAI" + MIXED[:20], ""),
    ("", "AKID" + MIXED[:32], ""),
    ("", "dop_v1_" + HEX, ""),
    ("", "hvs." + MIXED, ""),
    ("AccountKey=", b64("x1y2z3" * 10 + "abcd"), ";EndpointSuffix=core.windows.net"),
    ("secret ", MIXED[:3] + "8Q~" + MIXED[:34], ""),
    ("password: ", "hunter2", ""),
    ("password=", "Tr0ub4dor&3", ""),
    ("DB_PASSWORD='", "p,ss;w0rd!", "'"),
    ("My password is ", "S3cure!pass", ", keep it"),
    ("the password for the server is ", "Tr0ub4dor&3", ""),
    ("密码是", "abc123", "，别告诉别人"),
    ("密码：", "Passw0rd!", "。"),
    ("密码", "qwer1234", "请保密"),
    ("口令: ", "123456", ""),
    ("我的密码是：", "Qwerty!234", "，请勿外传"),
    ("login admin, password ", "Adm1n!23", ""),
    ("user: admin pass: ", "Adm1n!23", ""),
    ("export DB_PASS=", "hunter22", ""),
    ("x-api-key: ", "abcdefghijklmnop1234", ""),
    ("**Password**: ", "hunter2", ""),
    ("Password is `", "hunter2", "`"),
    ("||", "ghp_" + "a1B2" * 9, "||"),
    ("?token=", "a8f5f167f44f4964e6c998dee827110c", "&x=1"),
    ('"api_key": "', HEX[:32], '"'),
    ("api key: ", "550e8400-e29b-41d4-a716-446655440000", ""),
    ("client_secret=", MIXED[:24], ""),
    ("<password>", "hunter2", "</password>"),
    ("Authorization: Bearer ", MIXED[:40], ""),
    ("Authorization: Basic ", b64("admin:pa55word"), ""),
    ("curl -u ", "admin:pa55word", " https://x"),
    ("key=", "9aF3" * 6, ""),
    ("mysql --password ", "s3cretpw", " db"),
    ("", "ｓｋ－" + "".join(chr(ord(c) + 0xFEE0) for c in MIXED[:48]), ""),
    ("", "ghp_" + "a1B2\u200b" * 8 + "a1B2", ""),
    ("令牌：", HEX[:40], ""),
    ("访问令牌", MIXED[:40], "，请收好"),
    ("", "ghs_" + "123456_" + JWT, " from an app"),
    ("", "AQ." + "Ab8RN6" + MIXED[:44], "。"),
    ("", "glrt-" + "fhDmLjBAMkw-OfKRNDuH", " has no digit"),
    ("secret key ", MIXED[:24], " is refused"),
    ("grant=x&access_token=", MIXED[:24], "&scope=all"),
    ("password=", "R&D-s3cret", ""),
    ("curl -u ", "ada:Monkey37?", " https://x"),
    ("client secret - ", MIXED[:24], ""),
    ("【密码】", "Panda28?", ""),
    ('setting("password", "', "5904riverwinter", '")'),
    ("PrivateKey = ", b64("/g6uqqqOzejf-muNvoD7yyaMUga3HNSZ"), ""),
    ("SIGNING_KEY: '", "ixnbCeowLpCraywYuvu/" + "pFSzrrcVhCAc", "'"),
]
NO_API_KEYS = [
    "sk-...",
    "sk-xxxxxxxxxxxxxxxxxxxxxxxx",
    "sk-your-api-key-here",
    "YOUR_API_KEY",
    "api_key=YOUR_API_KEY",
    "password: ********",
    "password: <your password>",
    "password=${DB_PASSWORD}",
    "password = os.environ['DB_PASSWORD1']",
    "password: required",
    "password: str = Field(default=None)",
    "token = get_token2(request)",
    "const token = req.headers.authorization2;",
    "password = settings.password2",
    "max_tokens=4096 and tokens: 128000",
    "password length: 12",
    "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    "sha256:" + HEX,
    "550e8400-e29b-41d4-a716-446655440000",
    "class sk-folding-cube sk-cube1 sk-cube2",
    "ghp_ is the prefix of GitHub's tokens",
    "task-1234567890123456789012345678901",
    "gpt-4o-mini-2024-07-18 and claude-3-5-sonnet-20241022",
    "primary_key=9aF39aF39aF39aF39aF39aF3",
    "key=value",
    "the token expired; the secret is out",
    "密码错误",
    "忘记密码怎么办2024",
    "[告别密码](https://example.com/blog/2023/07/issue-262.html)",
    "snowflake.password=\njdbc.snowflake.url=",
    "2018-250-xoxo-indieweb-1.jpg",
    "hf_requiredCharacteristicTypesForDisplayMetadata",
    "secret: my-secret-v2",
    "PASS: test_login2",
    "pass: 1024, fail: 3",
    "password reset2fa! is new",
    "password OAuth2.0 flow",
    "token = getUserTokenFromRequest2",
    "https://hooks.slack.com/services/",
    "https://hooks.slack.com/services/XXXXXXXXX/XXXXXXXXX/XXXXXXXXXXXXX",
    "xoxb-your-bot-token",
    "AKIA is how they begin, AKIAx",
    "pypi-package-name==1.2.3",
    "data:image/png;base64,iVBORw0KGgo=",
    "Bearer token authentication",
    "Basic authentication is basic",
    "user_token_count_2024",
    "npm_config_registry=https://packages.example.org",
    "src/main/java/com/example/Application1.java",
    "key: Ctrl+Shift+P",
    "f(key=lambda item: item[1])",
    "passwordless login, password-reset2",
    "hf_hub_download",
    "SG.1.2 chapter",
    "integrity sha512-" + b64("z" * 64),
    "if len(password) > 1023:",
    "popd|printf|pwd|read|readonly|set|shift",
    "password - required, token - optional",
    "getUserTokenFromRequestHeader and setPasswordFieldValue",
]
PRIVATE_KEYS = [
    ("", pem(), ""),
    ("mine:\n", pem("PRIVATE KEY"), "\nthanks"),
    ("", pem("OPENSSH PRIVATE KEY"), ""),
    ("", pem("EC PRIVATE KEY"), " done"),
    ("", pem("ENCRYPTED PRIVATE KEY"), ""),
    ("", pem("PGP PRIVATE KEY BLOCK", "Version: GnuPG v2\n\n" + BODY + "\n=abcd"), ""),
    ("", pem(body="Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0011\n\n" + BODY), ""),
    ('"private_key": "', pem("PRIVATE KEY").replace("\n", "\\n"), '\\n",'),
    ("KEY=", pem("PRIVATE KEY").replace("\n", " "), ""),
    ("", pem().replace("\n", "\r\n"), "\r\n"),
    ("> ", pem().replace("\n", "\n> "), "\n> bye"),
    ("", "-----BEGIN RSA PRIVATE KEY-----\n" + BODY, ""),
    ("", "-----BEGIN RSA PRIVATE KEY-----\n" + BODY + "\nabc", ""),
    ("", "-----BEGIN RSA PRIVATE KEY-----\n" + BODY, "\n\nWhat is this?"),
    ("", "-----BEGIN RSA PRIVATE KEY-----\n" + BODY[:9], ""),
    ("私钥如下", pem(), "请查收"),
    ("```\n", pem(body=BODY + "\nQUJD"), "\n```"),
    ("", pem(body="QUJD" * 3000), "."),
    ("PuTTY-User-Key-File-3: ssh-rsa\n", "Private-Lines: 4\n" + BODY, "\nPrivate-MAC: " + HEX),
]
NO_PRIVATE_KEYS = [
    "-----BEGIN CERTIFICATE-----\n" + BODY + "\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\n" + BODY + "\n-----END PUBLIC KEY-----",
    "a file that begins with -----BEGIN RSA PRIVATE KEY----- is a key",
    "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN ",
    "-----BEGIN RSA PRIV",
    "-----END RSA PRIVATE KEY-----",
    "----------",
    "BEGIN RSA PRIVATE KEY " + "and so on",
    "-----BEGIN PGP MESSAGE-----",
    "-----BEGIN PRIVATE KEY-----\n<paste your key>\n-----END PRIVATE KEY-----",
    "-----begin rsa private key-----",
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC me@host",
    "-----BEGIN RSA PRIVATE KEY-----" * 3,
]
JWTS = [
    ("", JWT, ""),
    ("jwt ", JWT, "."),
    ("令牌为", JWT, "。"),
    ("Bearer ", JWT, ""),
    ("?t=", JWT, "&a=b"),
    ('"', JWT, '"'),
    ("", JWT.rpartition(".")[0], ""),
    ("", JWT.rpartition(".")[0], "."),
    ("", b64url('{"alg":"RSA-OAEP","enc":"A256GCM"}') + "." + ".".join([MIXED[:40]] * 4), ""),
    ("", b64url('{"alg":"none"}') + "." + b64url('{"sub":"somebody"}'), "."),
    ("", JWT + MIXED * 100, " long"),
    ("", b64url('{"alg":"HS256","x5c":["' + "A" * 3000 + '"]}') + "." + b64url('{"a":"12345"}') + ".x", ""),
    ("cookie=", JWT, ";"),
    ("", JWT.replace(".", "\u200b."), ""),
    ("(", JWT, ")"),
]
NO_JWTS = [
    "eyJ",
    "eyJhbGciOiJIUzI1NiJ9",
    "eyJhbGciOiJIUzI1NiJ9.",
    "eyJhbGciOiJIUzI1NiJ9.abc",
    "eyJ.eyJ.x",
    "www.eyjafjallajokull.is",
    "a.b.c",
    "xeyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x",
    "eyJ" * 20,
    "eyJ0ZXN0Ijp0cnVlfQ==",
    "module.exports.handler",
    "com.example.Main",
    "eyJhbGci OiJIUzI1NiJ9",
    "1.2.3",
    "eyJhbGciOiJIUzI1NiJ9 . eyJzdWIiOiIxIn0",
]
CONNECTIONS = [
    ("DATABASE_URL=", "postgres://bob:s3cret@db.local:5432/app", ""),
    ("", "postgresql+psycopg://bob:s3cret@db/app?sslmode=require", " here"),
    ("", "mysql://root:t00r@127.0.0.1/x", "."),
    ("", "mongodb+srv://u1:p%40ss@cluster0.ab1cd.mongodb.net/test", ""),
    ("", "redis://:p4ss@cache:6379/0", ""),
    ("", "amqp://guest2:guest2@mq:5672/vhost", ","),
    ("jdbc:", "postgresql://bob:s3cret@db/app", ""),
    ("连接", "mysql://bob:s3cret@db:3306/app", "。"),
    ('"', "mssql://sa:Str0ng@sql/db", '"'),
    ("", "postgres://bob:p@ss@db/app", ""),
    ("(", "clickhouse://bob:s3cret@ch:9000", ")"),
    ("", "ldap://cn=admin:s3cret@ldap.local", ""),
    ("", "smtp://me:app1pass@mail.local:587", ""),
    ("", "rediss://default:" + MIXED + "@x.upstash.io:6379", ""),
    ("", "ｍｙｓｑｌ：／／ｂｏｂ：ｓ３ｃｒｅｔ＠ｄｂ／ａｐｐ", ""),
]
NO_CONNECTIONS = [
    "postgres://localhost:5432/app",
    "postgres://bob@localhost/app",
    "postgres://user:password@localhost/db",
    "postgres://USER:PASSWORD@HOST/db",
    "postgres://bob:${DB_PASS}@db/app",
    "mysql://bob:<password>@db/app",
    "redis://cache:6379/0",
    "mongodb://localhost:27017",
    "jdbc:mysql://db:3306/app",
    "sqlite:///data/app.db",
    "amqp://mq",
    "postgres://bob:***@db/app",
    "postgres://",
    "://:@",
    "postgres://bob:@db/app",
]
CREDENTIALS = [
    ("https://", "me:s3cret", "@example.com/x"),
    ("http://", "admin:hunter2", "@10.0.0.1:8080"),
    ("git clone https://", "bob:pa55", "@git.example.com/r.git"),
    ("ftp://", "anon:me1", "@files.local"),
    ("看https://", "me:s3cret", "@example.com。"),
    ("sftp://", "me:s3%21cret", "@host"),
    ("proxy=http://", "u1:p1w", "@proxy:3128;"),
    ("https://", "me:p@ss", "@example.com"),
    ('"https://', "me:s3cret", '@[2001:db8::1]/"'),
    ("svn+ssh://", "me:s3cret", "@host/x"),
    ("(https://", "me:s3cret", "@example.com)"),
    ("rtsp://", "admin:12345", "@cam.local/1"),
    ("ws://", "a1:b2c", "@h/s"),
    ("socks5://", "me:s3cret", "@127.0.0.1:1080"),
    ("ｈｔｔｐｓ：／／", "ｍｅ：ｓ３ｃ", "＠ｅｘａｍｐｌｅ．ｃｏｍ"),
]
NO_CREDENTIALS = [
    "https://example.com:8080/@user",
    "https://medium.com/@someone",
    "https://user:password@host.com",
    "https://example.com/a:b@c",
    "http://localhost:3000",
    "https://USER:TOKEN@host",
    "https://me@example/x",
    "ssh://git@github.com/o/r",
    "https://x-access-token:${TOKEN}@github.com/o/r",
    "https://example.com?u=a:b",
    "https://",
    "see: https://a.b/c#d:e",
    "12:30@noon",
    "http://{user}:{password}@host",
    "https://example.com/path;v=1:2",
]

FOUND = {
    "api_key": API_KEYS,
    "private_key": PRIVATE_KEYS,
    "jwt": JWTS,
    "connection_string": CONNECTIONS,
    "url_credentials": CREDENTIALS,
}
NOT_FOUND = {
    "api_key": NO_API_KEYS,
    "private_key": NO_PRIVATE_KEYS,
    "jwt": NO_JWTS,
    "connection_string": NO_CONNECTIONS,
    "url_credentials": NO_CREDENTIALS,
}


@pytest.mark.parametrize(
    ("kind", "before", "secret", "behind"), [(kind, *case) for kind, cases in FOUND.items() for case in cases]
)
def test_is_masked_exactly(kind: str, before: str, secret: str, behind: str) -> None:
    masked = REDACTOR.mask(before + secret + behind)
    assert masked.text == f"{before}[FILTERED:{kind}]{behind}"
    assert masked.kinds == (kind,)


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in NOT_FOUND.items() for text in texts]
)
def test_is_left_alone(kind: str, text: str) -> None:
    assert REDACTOR.mask(text).text == text


def test_a_key_and_its_secret_are_both_masked() -> None:
    secret = MIXED[:20] + "+" + MIXED[20:39]
    masked = REDACTOR.mask("AKIA" + "IOSFODNN7ABCDEFG," + secret)
    assert masked.text == "[FILTERED:api_key],[FILTERED:api_key]"


def test_a_token_of_any_length_is_masked_to_its_end() -> None:
    token = JWT + MIXED * 2000
    assert REDACTOR.mask(f"x {token} y").text == "x [FILTERED:jwt] y"
