"""Secrets that no vendor shaped: passwords, keys behind a label, JSON Web Tokens, private keys, addresses with a password.

Sources: RFC 7519 and 7516 (JWT, JWE), 7468 and 4880 (PEM, OpenPGP armour), 6750 and 7617 (Bearer, Basic), 3986 (userinfo);
libpq "Connection strings", ADO.NET and JDBC driver manuals, OpenSSH, PuTTY and WireGuard manuals.
"""

from __future__ import annotations

from base64 import b64encode
from random import Random

from tests.corpus.case import ALNUM, BASE64, DIGITS, HEX, LOWER, Names, Shape, Value, a_number, b64url, some
from tests.corpus.vendors import KEY, jwt

TOKEN = Names(
    ("token", "access token", "ID token"), ("令牌", "访问令牌"), ("token", "access_token", "id_token")
)
SECRET = Names(
    ("client secret", "API key", "secret key", "access token"),
    ("密钥", "API 密钥", "访问令牌", "私钥"),
    (
        "client_secret",
        "API_KEY",
        "secret_key",
        "auth_token",
        "SIGNING_KEY",
        "access_key",
        "apiKey",
        "APP_SECRET",
    ),
)
PASSWORD = Names(
    ("password", "passphrase", "Wi-Fi password", "root password", "password for the server"),
    ("密码", "登录密码", "数据库密码", "WiFi密码", "口令"),
    ("password", "db_password", "PGPASSWORD", "passwd", "pwd", "smtp_password", "ADMIN_PASSWORD"),
)
URL = Names(
    ("connection string", "database URL", "DSN"),
    ("连接串", "数据库地址"),
    ("DATABASE_URL", "dsn", "broker_url"),
)
ADDRESS = Names(("remote", "proxy", "mirror"), ("仓库地址", "代理"), ("https_proxy", "remote_url", "mirror"))
PEM = Names(("private key", "SSH key"), ("私钥", "证书私钥"), ("private_key", "ssh_key"))

WORDS = ("sunset", "river", "tiger", "maple", "rocket", "winter", "coffee", "dragon", "silver", "orange", "panda", "monkey")  # fmt: skip
MARKS = "!@#$%^&*?+="


def _human(random: Random) -> str:
    """As people choose them, with at least one digit or mark."""
    word, number = random.choice(WORDS), some(random, DIGITS, random.randint(2, 4))
    return random.choice(
        (
            word.title() + number + random.choice(MARKS),
            word + random.choice("@#!") + number,
            word.title() + random.choice(WORDS).title() + number,
            word.replace("o", "0").replace("e", "3").replace("i", "1") + number,
            f"{word.title()}-{random.choice(WORDS)}-{number}!",
            f"{number}{word}{random.choice(WORDS)}",
        )
    )


def _generated(random: Random) -> str:
    """As a password manager makes them."""
    middle = some(random, ALNUM + MARKS, random.randint(8, 16))
    return random.choice(LOWER) + middle + random.choice(DIGITS) + random.choice("!#&") + random.choice(LOWER)


def _quotable(password: str) -> str:
    return "".join(c if c.isalnum() else f"%{ord(c):02X}" for c in password)


def _ado(random: Random) -> Value:
    head = f"Server=tcp:{random.choice(WORDS)}.database.windows.net,1433;Database=app;User ID=sa;Password="
    return Value(_generated(random).replace("=", "8"), before=head, behind=";Encrypt=True;")


def _libpq(random: Random) -> Value:
    return Value(
        _human(random), before=f"host=db.local user={random.choice(WORDS)} password=", behind=" dbname=app"
    )


def _jdbc(random: Random) -> Value:
    return Value(
        some(random, ALNUM, 14), "jdbc:mysql://db.local:3306/app?user=root&password=", "&useSSL=true"
    )


def _bearer(random: Random) -> Value:
    return Value(some(random, ALNUM + "-_", 39) + "z", before="Authorization: Bearer ")


def _basic(random: Random) -> Value:
    return Value(
        b64encode(f"{random.choice(WORDS)}:{_generated(random)}".encode()).decode(),
        before="Authorization: Basic ",
    )


def _curl(random: Random) -> Value:
    return Value(
        f"{random.choice(WORDS)}:{_human(random).replace('!', '1')}",
        "curl -u ",
        " https://api.example.com/v1",
    )


def _short_jwt(random: Random) -> Value:
    header, claims = '{"alg":"HS256"}', f'{{"uid":{a_number(random, 5)},"exp":17{a_number(random, 8)}}}'
    return Value(f"{b64url(header.encode())}.{b64url(claims.encode())}.{b64url(random.randbytes(32))}")


def _jwe(random: Random) -> Value:
    header = b64url(b'{"alg":"RSA-OAEP-256","enc":"A256GCM"}')
    return Value(".".join([header, *(b64url(random.randbytes(size)) for size in (256, 12, 90, 16))]))


def _lines(text: str, width: int = 64) -> str:
    return "\n".join(text[start : start + width] for start in range(0, len(text), width))


def _pem(kind: str, size: int, style: str = "plain", fields: str = "") -> Shape:
    def make(random: Random) -> Value:
        body = _lines(b64encode(random.randbytes(size)).decode(), 70 if "OPENSSH" in kind else 64)
        checksum = f"\n={some(random, BASE64, 4)}" if "PGP" in kind else ""
        text = f"-----BEGIN {kind}-----\n{fields}{body}{checksum}\n-----END {kind}-----"
        match style:
            case "in JSON":
                text = text.replace("\n", "\\n")
                return Value(text, before='{"type": "service_account", "private_key": "', behind='\\n"}')
            case "in YAML":
                return Value(text.replace("\n", "\n    "), before="tls.key: |\n    ")
            case "quoted":
                return Value(text.replace("\n", "\n> "), before="> ")
            case "in one line":
                return Value(text.replace("\n", " "))
            case "cut off":
                return Value(text[: len(text) // 2])
        return Value(text)

    return Shape("private_key", f"{kind}, {style}{', encrypted' if fields else ''}", make, PEM, "block")


def _putty(random: Random) -> Value:
    public, private = (_lines(b64encode(random.randbytes(size)).decode()) for size in (280, 580))
    head = "PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nComment: rsa-key-20260101\nPublic-Lines: 6\n"
    return Value(private, f"{head}{public}\nPrivate-Lines: 13\n", f"\nPrivate-MAC: {some(random, HEX, 64)}")


def _wireguard(random: Random) -> Value:
    return Value(
        b64encode(random.randbytes(32)).decode(), "[Interface]\nPrivateKey = ", "\nListenPort = 51820"
    )


SCHEMES = ("postgres", "postgresql", "mysql", "mongodb", "mongodb+srv", "redis", "rediss", "amqp", "amqps", "mssql", "clickhouse",
           "postgresql+asyncpg", "mysql+pymysql", "mariadb", "smtp", "ldaps", "nats", "neo4j", "cockroachdb", "mqtt")  # fmt: skip


def _connection(random: Random) -> Value:
    scheme, user = (
        random.choice(SCHEMES),
        random.choice(("app", "admin", "svc_web", "root", random.choice(WORDS))),
    )
    password = random.choice((some(random, ALNUM, 16), some(random, HEX, 24), _quotable(_human(random))))
    cloud = f"{random.choice(WORDS)}.abc123.eu-west-1.rds.amazonaws.com"
    host = random.choice(("localhost", "db-3.internal", "db.internal", cloud))
    port = "" if "srv" in scheme else f":{random.randint(1024, 65535)}"
    tail = random.choice(("", "/app", "/app?sslmode=require", "/0", "/app?retryWrites=true&w=majority"))
    user = "" if scheme.startswith("redis") and random.random() < 0.5 else user
    return Value(f"{scheme}://{user}:{password}@{host}{port}{tail}")


def _credentials(random: Random) -> Value:
    scheme = random.choice(("https", "http", "ftp", "sftp", "https", "socks5", "rtsp"))
    password = random.choice((some(random, ALNUM, 14), _human(random).replace("#", "!").replace("?", "!")))
    host = random.choice(
        ("git.example.com", "build.corp.local:8080", "proxy.corp.local:3128", "files.example.org")
    )
    return Value(
        f"{random.choice(WORDS)}:{password}",
        f"{scheme}://",
        f"@{host}{random.choice(('', '/team/repo.git'))}",
    )


def shapes() -> list[Shape]:
    labelled = (
        ("hexadecimal key", SECRET, lambda random: Value(some(random, HEX, random.choice((32, 40, 64))))),
        ("random key", SECRET, lambda random: Value(some(random, ALNUM, random.choice((24, 32, 40, 48))))),
        ("base64 key", SECRET, lambda r: Value(b64encode(r.randbytes(r.choice((24, 32, 48)))).decode())),
        ("UUID as key", SECRET, lambda r: Value("-".join(some(r, HEX, size) for size in (8, 4, 4, 4, 12)))),
        ("chosen password", PASSWORD, lambda random: Value(_human(random))),
        ("generated password", PASSWORD, lambda random: Value(_generated(random))),
    )
    around = (
        ("password in ADO.NET", _ado), ("password in libpq", _libpq), ("password in JDBC", _jdbc),
        ("bearer token", _bearer), ("basic credentials", _basic), ("curl's user", _curl), ("WireGuard", _wireguard),
    )  # fmt: skip
    return [
        *(Shape("api_key", name, make, names, labelled=True) for name, names, make in labelled),
        *(Shape("api_key", name, make, KEY, "whole") for name, make in around),
        *(Shape("jwt", f"signed with {a}", lambda r, a=a: Value(jwt(r, a)), TOKEN) for a in ("HS256", "ES256", "RS256")),  # type: ignore[misc]
        Shape("jwt", "short", _short_jwt, TOKEN),
        Shape("jwt", "encrypted", _jwe, TOKEN),
        *(_pem(kind, size) for kind, size in (
            ("RSA PRIVATE KEY", 1190), ("PRIVATE KEY", 1216), ("EC PRIVATE KEY", 121), ("OPENSSH PRIVATE KEY", 384),
            ("ENCRYPTED PRIVATE KEY", 1300), ("DSA PRIVATE KEY", 450), ("PGP PRIVATE KEY BLOCK", 900))),
        *(_pem("PRIVATE KEY", 1216, style) for style in ("in JSON", "in YAML", "quoted", "in one line", "cut off")),
        _pem("RSA PRIVATE KEY", 1190, fields="Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,0A1B2C3D\n\n"),
        _pem("PGP PRIVATE KEY BLOCK", 900, fields="Version: GnuPG v2\nComment: mine\n\n"),
        Shape("private_key", "PuTTY", _putty, PEM, "whole"),
        Shape("connection_string", "address", _connection, URL),
        Shape("url_credentials", "address", _credentials, ADDRESS),
    ]  # fmt: skip
