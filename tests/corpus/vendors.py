"""Keys and tokens as the vendors that give them out describe them: how they begin, which characters, how many.

Sources: the vendors' own pages on their keys: OpenAI, Anthropic, AWS IAM ("Unique identifiers"), Google Cloud and Gemini
("API keys"), GitHub ("Token formats", and its 2026 notice on installation tokens), GitLab ("Token overview", "Routable
tokens"), Slack ("Tokens", "Incoming webhooks"), Discord ("Authentication", "Webhook"), Stripe ("API keys"), Telegram ("Bot
API"), npm and PyPI (announcements of their formats), Microsoft ("Identifiable secrets", "Connection strings").
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from random import Random

from tests.corpus.case import (
    ALNUM,
    BASE32,
    BASE64,
    BASE64URL,
    HEX,
    LOWER,
    Names,
    Shape,
    Value,
    a_number,
    b64url,
    some,
)

KEY = Names(("API key", "key", "token"), ("密钥", "API 密钥", "令牌"), ("api_key", "token", "secret_key"))
HOOK = Names(("webhook", "webhook URL"), ("回调地址", "webhook 地址"), ("webhook_url", "hook"))

# Vendor, and what the key is made of: literal text, or an alphabet and how many of it.
Made = tuple[str | tuple[str, int], ...]
SIMPLE: tuple[tuple[str, Made], ...] = (
    ("OpenAI", ("sk-", (ALNUM, 20), "T3BlbkFJ", (ALNUM, 20))),
    ("OpenAI project", ("sk-proj-", (BASE64URL, 74), "T3BlbkFJ", (BASE64URL, 73), (ALNUM, 1))),
    ("OpenAI service account", ("sk-svcacct-", (BASE64URL, 74), "T3BlbkFJ", (BASE64URL, 73), (ALNUM, 1))),
    ("OpenAI admin", ("sk-admin-", (BASE64URL, 58), "T3BlbkFJ", (BASE64URL, 57), (ALNUM, 1))),
    ("Anthropic", ("sk-ant-api03-", (BASE64URL, 93), "AA")),
    ("Anthropic OAuth", ("sk-ant-oat01-", (BASE64URL, 93), "AA")),
    ("Anthropic admin", ("sk-ant-admin01-", (BASE64URL, 93), "AA")),
    ("AWS access key", ("AKIA", (BASE32, 16))),
    ("AWS temporary access key", ("ASIA", (BASE32, 16))),
    ("Google API", ("AIza", (BASE64URL, 34), (ALNUM, 1))),
    ("Google OAuth client secret", ("GOCSPX-", (BASE64URL, 27), (ALNUM, 1))),
    ("Google OAuth access", ("ya29.a0", (BASE64URL, 180), (ALNUM, 1))),
    ("Google OAuth refresh", ("1//0", (ALNUM, 1), (BASE64URL, 97), (ALNUM, 1))),
    ("Gemini auth key", ("AQ.Ab8RN6", (BASE64URL, 43), (ALNUM, 1))),
    ("Azure AI", ((ALNUM, 52), "JQQJ99", (ALNUM, 6), "XJ3w3AAA", (ALNUM, 8), (ALNUM, 4))),
    ("Azure DevOps", ((ALNUM, 52), "JQQJ99", (ALNUM, 12), "AZDO", (ALNUM, 10))),
    ("Entra client secret", ((ALNUM, 3), "8Q~", (ALNUM + "_~.-", 33), (ALNUM, 1))),
    ("GitHub personal", ("ghp_", (ALNUM, 36))),
    ("GitHub fine-grained", ("github_pat_", (ALNUM, 22), "_", (ALNUM, 59))),
    ("GitHub OAuth", ("gho_", (ALNUM, 36))),
    ("GitHub user-to-server", ("ghu_", (ALNUM, 36))),
    ("GitHub server-to-server", ("ghs_", (ALNUM, 36))),
    ("GitHub refresh", ("ghr_", (ALNUM, 76))),
    ("GitLab personal", ("glpat-", (BASE64URL, 19), (ALNUM, 1))),
    ("GitLab personal, routable", ("glpat-", (BASE64URL, 27), ".01.", (LOWER + "0123456789", 9))),
    ("GitLab deploy", ("gldt-", (BASE64URL, 19), (ALNUM, 1))),
    ("GitLab runner", ("glrt-", (BASE64URL, 19), (ALNUM, 1))),
    ("GitLab trigger", ("glptt-", (HEX, 40))),
    ("GitLab OAuth secret", ("gloas-", (HEX, 64))),
    ("Slack bot", ("xoxb-", ("123456789", 12), "-", ("123456789", 13), "-", (ALNUM, 24))),
    ("Slack user", ("xoxp-", ("123456789", 12), "-", ("123456789", 12), "-", ("123456789", 13), "-", (HEX, 32))),
    ("Slack app", ("xapp-1-A0", (BASE32, 9), "-", ("123456789", 13), "-", (HEX, 64))),
    ("Slack rotating", ("xoxe.xoxp-1-", (ALNUM, 166))),
    ("Slack refresh", ("xoxe-1-", (ALNUM, 147))),
    ("Stripe secret", ("sk_live_", (ALNUM, 24))),
    ("Stripe secret, long", ("sk_live_51", (ALNUM, 97))),
    ("Stripe test", ("sk_test_", (ALNUM, 24))),
    ("Stripe restricted", ("rk_live_", (ALNUM, 24))),
    ("Stripe webhook", ("whsec_", (ALNUM, 32))),
    ("Telegram bot", (("123456789", 10), ":AA", (BASE64URL, 32), (ALNUM, 1))),
    ("npm", ("npm_", (ALNUM, 36))),
    ("PyPI", ("pypi-AgEIcHlwaS5vcmc", (BASE64URL, 140), (ALNUM, 1))),
    ("Twilio key", ("SK", (HEX, 32))),
    ("Hugging Face", ("hf_", (ALNUM, 34))),
    ("SendGrid", ("SG.", (BASE64URL, 22), ".", (BASE64URL, 42), (ALNUM, 1))),
    ("DigitalOcean", ("dop_v1_", (HEX, 64))),
    ("Shopify", ("shpat_", (HEX, 32))),
    ("Databricks", ("dapi", (HEX, 32))),
    ("HashiCorp Vault", ("hvs.CAES", (BASE64URL, 86), (ALNUM, 1))),
    ("Groq", ("gsk_", (ALNUM, 52))),
    ("xAI", ("xai-", (ALNUM, 80))),
    ("Perplexity", ("pplx-", (ALNUM, 48))),
    ("OpenRouter", ("sk-or-v1-", (HEX, 64))),
    ("DeepSeek", ("sk-", (HEX, 32))),
    ("Linear", ("lin_api_", (ALNUM, 40))),
    ("Notion", ("ntn_", (ALNUM, 46))),
    ("Grafana", ("glsa_", (ALNUM, 32), "_", (HEX, 8))),
    ("Docker", ("dckr_pat_", (BASE64URL, 26), (ALNUM, 1))),
    ("Figma", ("figd_", (BASE64URL, 39), (ALNUM, 1))),
    ("Postman", ("PMAK-", (HEX, 24), "-", (HEX, 34))),
    ("Replicate", ("r8_", (ALNUM, 37))),
    ("Alibaba Cloud", ("LTAI5t", (ALNUM, 18))),
    ("Tencent Cloud", ("AKID", (ALNUM, 32))),
)  # fmt: skip


def _make(parts: Made) -> Callable[[Random], Value]:
    return lambda random: Value("".join(p if isinstance(p, str) else some(random, *p) for p in parts))


def jwt(random: Random, algorithm: str) -> str:
    """RFC 7519, signed; ids and times as such tokens carry."""
    header = b64url(f'{{"alg":"{algorithm}","typ":"JWT","kid":"{some(random, HEX, 8)}"}}'.encode())
    claims = (
        f'{{"sub":"{a_number(random, 10)}","name":"{some(random, LOWER, 6)}","iat":17{a_number(random, 8)}}}'
    )
    size = {"HS256": 32, "ES256": 64, "RS256": 256}[algorithm]
    return f"{header}.{b64url(claims.encode())}.{b64url(random.randbytes(size))}"


def _github_stateless(random: Random) -> Value:
    return Value(f"ghs_{a_number(random, 6)}_{jwt(random, 'RS256')}")


def _discord_bot(random: Random) -> Value:
    head = b64url(a_number(random, random.choice((18, 19))).encode())
    return Value(f"{head}.{some(random, BASE64URL, 6)}.{some(random, BASE64URL, 37)}{some(random, ALNUM, 1)}")


def _discord_hook(random: Random) -> Value:
    host = random.choice(("discord.com", "discordapp.com", "canary.discord.com"))
    token = some(random, BASE64URL, 67) + some(random, ALNUM, 1)
    return Value(f"https://{host}/api/webhooks/{a_number(random, 19)}/{token}")


def _slack_hook(random: Random) -> Value:
    ids = f"T{some(random, BASE32, 10)}/B{some(random, BASE32, 10)}"
    return Value(f"https://hooks.slack.com/services/{ids}/{some(random, ALNUM, 24)}")


def _aws_pair(random: Random) -> Value:
    return Value(
        some(random, BASE64, 39) + some(random, ALNUM, 1),
        before=f"[default]\nregion = {random.choice(('eu-west-1', 'us-east-2'))}\naws_secret_access_key = ",
    )


def _azure_storage(random: Random) -> Value:
    return Value(
        b64encode(random.randbytes(64)).decode(),
        before=f"DefaultEndpointsProtocol=https;AccountName={some(random, LOWER, 12)};AccountKey=",
        behind=";EndpointSuffix=core.windows.net",
    )


def _azure_bus(random: Random) -> Value:
    host = f"{some(random, LOWER, 9)}.servicebus.windows.net"
    return Value(
        b64encode(random.randbytes(32)).decode(),
        before=f"Endpoint=sb://{host}/;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=",
    )


def _azure_sas(random: Random) -> Value:
    signature = b64encode(random.randbytes(32)).decode()
    for plain, quoted in (("+", "%2B"), ("/", "%2F"), ("=", "%3D")):
        signature = signature.replace(plain, quoted)
    host = f"{some(random, LOWER, 9)}.blob.core.windows.net"
    return Value(
        signature, before=f"https://{host}/c/f.txt?sv=2024-11-04&se=2026-12-01T00%3A00%3A00Z&sr=b&sp=r&sig="
    )


def shapes() -> list[Shape]:
    whole = (
        ("GitHub server-to-server, stateless", _github_stateless),
        ("Discord bot", _discord_bot),
        ("AWS secret key", lambda random: Value(some(random, BASE64, 39) + some(random, ALNUM, 1))),
    )
    around = (
        ("AWS credentials file", _aws_pair),
        ("Azure storage", _azure_storage),
        ("Azure service bus", _azure_bus),
        ("Azure shared access signature", _azure_sas),
    )
    hooks = (("Slack webhook", _slack_hook), ("Discord webhook", _discord_hook))
    return [
        *(Shape("api_key", name, _make(parts), KEY) for name, parts in SIMPLE),
        *(Shape("api_key", name, make, KEY) for name, make in whole),
        *(Shape("api_key", name, make, KEY, "whole") for name, make in around),
        *(Shape("api_key", name, make, HOOK) for name, make in hooks),
    ]
