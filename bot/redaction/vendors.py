"""Keys and tokens that tell by their own shape which vendor gave them.

Sources: each vendor's documentation of its token format, where there is one, and otherwise GitHub's list of
"Supported secret scanning patterns". A length given there as fixed is a lower bound here: vendors lengthen their tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from bot.redaction.entropy import is_placeholder, is_random
from bot.redaction.segment import Segment

_WORD = r"[A-Za-z0-9_-]"
_SLACK = r"(?=[A-Za-z-]*\d)[A-Za-z0-9-]{10,}+"


class Vendor(NamedTuple):
    """A token format: how it begins (literally), how it goes on, and whether that still has to look random."""

    name: str
    prefix: str
    rest: str
    random: bool = False


VENDORS: tuple[Vendor, ...] = (
    Vendor("anthropic", "sk-ant-", rf"{_WORD}{{20,}}+"),
    Vendor("openai_project", "sk-proj-", rf"{_WORD}{{20,}}+"),
    Vendor("openai_service", "sk-svcacct-", rf"{_WORD}{{20,}}+"),
    Vendor("openai_admin", "sk-admin-", rf"{_WORD}{{20,}}+"),
    Vendor("openrouter", "sk-or-", rf"{_WORD}{{20,}}+"),
    Vendor("openai_compatible", "sk-", rf"{_WORD}{{20,}}+", random=True),
    Vendor("aws_access_key", "AKIA", r"[A-Z0-9]{16}(?![A-Z0-9])"),
    Vendor("aws_temporary_key", "ASIA", r"[A-Z0-9]{16}(?![A-Z0-9])"),
    Vendor("aws_service_bearer", "ABIA", r"[A-Z0-9]{16}(?![A-Z0-9])"),
    Vendor("aws_context", "ACCA", r"[A-Z0-9]{16}(?![A-Z0-9])"),
    Vendor("aws_bearer", "ABSK", r"[A-Za-z0-9+/]{100,}+={0,2}"),
    Vendor("google_api", "AIza", rf"{_WORD}{{35,}}+"),
    Vendor("google_auth", "AQ.Ab", rf"{_WORD}{{30,}}+"),
    Vendor("google_oauth_secret", "GOCSPX-", rf"{_WORD}{{28,}}+"),
    Vendor("google_oauth_access", "ya29.", rf"{_WORD}{{20,}}+"),
    Vendor("google_oauth_refresh", "1//0", rf"{_WORD}{{30,}}+"),
    Vendor("github_classic", "ghp_", r"[A-Za-z0-9]{30,}+"),
    Vendor("github_oauth", "gho_", r"[A-Za-z0-9]{30,}+"),
    Vendor("github_user", "ghu_", r"[A-Za-z0-9]{30,}+"),
    Vendor("github_server", "ghs_", r"\w{30,}+(?:\.[\w-]+){0,2}"),
    Vendor("github_refresh", "ghr_", r"[A-Za-z0-9]{30,}+"),
    Vendor("github_fine_grained", "github_pat_", r"\w{40,}+"),
    Vendor("gitlab_personal", "glpat-", r"[\w.-]{20,}+"),
    Vendor("gitlab_deploy", "gldt-", rf"{_WORD}{{20,}}+"),
    Vendor("gitlab_runner", "glrt-", r"[\w.-]{20,}+"),
    Vendor("gitlab_pipeline", "glptt-", rf"{_WORD}{{20,}}+"),
    Vendor("gitlab_job", "glcbt-", rf"{_WORD}{{20,}}+"),
    Vendor("gitlab_feed", "glft-", rf"{_WORD}{{20,}}+"),
    Vendor("gitlab_agent", "glagent-", rf"{_WORD}{{20,}}+"),
    Vendor("gitlab_oauth", "gloas-", rf"{_WORD}{{20,}}+"),
    Vendor("gitlab_feature_flags", "glffct-", rf"{_WORD}{{20,}}+"),
    Vendor("gitlab_mail", "glimt-", rf"{_WORD}{{20,}}+"),
    Vendor("gitlab_scim", "glsoat-", rf"{_WORD}{{20,}}+"),
    Vendor("gitlab_registration", "GR1348941", rf"{_WORD}{{20,}}+"),
    Vendor("slack_bot", "xoxb-", _SLACK),
    Vendor("slack_user", "xoxp-", _SLACK),
    Vendor("slack_workspace", "xoxa-", _SLACK),
    Vendor("slack_refresh", "xoxr-", _SLACK),
    Vendor("slack_session", "xoxs-", _SLACK),
    Vendor("slack_legacy", "xoxo-", rf"(?=\d{{6}}){_SLACK}"),
    Vendor("slack_client", "xoxc-", _SLACK),
    Vendor("slack_cookie", "xoxd-", r"[A-Za-z0-9%-]{10,}+"),
    Vendor("slack_rotating", "xoxe", r"(?:\.xox[bp])?-[A-Za-z0-9-]{10,}+"),
    Vendor("slack_app", "xapp-", _SLACK),
    Vendor("slack_workflow", "xwfp-", _SLACK),
    Vendor("stripe_secret", "sk_live_", r"[A-Za-z0-9]{16,}+"),
    Vendor("stripe_test", "sk_test_", r"[A-Za-z0-9]{16,}+"),
    Vendor("stripe_restricted", "rk_live_", r"[A-Za-z0-9]{16,}+"),
    Vendor("stripe_restricted_test", "rk_test_", r"[A-Za-z0-9]{16,}+"),
    Vendor("webhook_secret", "whsec_", r"[A-Za-z0-9+/]{24,}+={0,2}"),
    Vendor("npm", "npm_", r"[A-Za-z0-9]{36,}+"),
    Vendor("pypi", "pypi-", r"Ag[A-Za-z0-9_-]{40,}+"),
    Vendor("sendgrid", "SG.", rf"{_WORD}{{16,32}}+\.{_WORD}{{32,64}}+"),
    Vendor("hugging_face", "hf_", r"[A-Za-z0-9]{30,}+(?!_)", random=True),
    Vendor("hugging_face_org", "api_org_", r"[A-Za-z0-9]{30,}+", random=True),
    Vendor("twilio_account", "AC", r"[0-9a-f]{32}(?!\w)"),
    Vendor("twilio_key", "SK", r"[0-9a-f]{32}(?!\w)"),
    Vendor("digitalocean", "dop_v1_", r"[0-9a-f]{64}"),
    Vendor("digitalocean_oauth", "doo_v1_", r"[0-9a-f]{64}"),
    Vendor("digitalocean_refresh", "dor_v1_", r"[0-9a-f]{64}"),
    Vendor("databricks", "dapi", r"[0-9a-f]{32}(?:-\d)?(?!\w)"),
    Vendor("shopify_access", "shpat_", r"[0-9A-Fa-f]{32}"),
    Vendor("shopify_custom", "shpca_", r"[0-9A-Fa-f]{32}"),
    Vendor("shopify_private", "shppa_", r"[0-9A-Fa-f]{32}"),
    Vendor("shopify_secret", "shpss_", r"[0-9A-Fa-f]{32}"),
    Vendor("square_access", "sq0atp-", rf"{_WORD}{{22,}}+"),
    Vendor("square_secret", "sq0csp-", rf"{_WORD}{{40,}}+"),
    Vendor("mailgun", "key-", r"[0-9a-f]{32}(?!\w)"),
    Vendor("linear", "lin_api_", r"[A-Za-z0-9]{32,}+"),
    Vendor("notion", "ntn_", r"[A-Za-z0-9]{40,}+"),
    Vendor("notion_legacy", "secret_", r"[A-Za-z0-9]{43}(?!\w)"),
    Vendor("grafana", "glsa_", r"\w{32,}+"),
    Vendor("grafana_cloud", "glc_", r"[A-Za-z0-9+/]{32,}+={0,2}"),
    Vendor("vault", "hvs.", rf"{_WORD}{{24,}}+"),
    Vendor("vault_batch", "hvb.", rf"{_WORD}{{24,}}+"),
    Vendor("doppler", "dp.pt.", r"[A-Za-z0-9]{40,}+"),
    Vendor("postman", "PMAK-", r"[0-9a-f]{24}-[0-9a-f]{34}"),
    Vendor("groq", "gsk_", r"[A-Za-z0-9]{40,}+"),
    Vendor("xai", "xai-", r"[A-Za-z0-9]{60,}+"),
    Vendor("perplexity", "pplx-", r"[A-Za-z0-9]{40,}+"),
    Vendor("replicate", "r8_", r"[A-Za-z0-9]{37,}+"),
    Vendor("nvidia", "nvapi-", rf"{_WORD}{{40,}}+"),
    Vendor("cerebras", "csk-", r"[a-z0-9]{40,}+"),
    Vendor("tavily", "tvly-", rf"{_WORD}{{24,}}+", random=True),
    Vendor("figma", "figd_", rf"{_WORD}{{36,}}+"),
    Vendor("supabase", "sbp_", r"[0-9a-f]{40}"),
    Vendor("supabase_secret", "sb_secret_", rf"{_WORD}{{20,}}+"),
    Vendor("sentry", "sntrys_", r"[A-Za-z0-9+/=_-]{40,}+"),
    Vendor("sentry_user", "sntryu_", r"[0-9a-f]{64}"),
    Vendor("new_relic", "NRAK-", r"[A-Z0-9]{27}"),
    Vendor("atlassian", "ATATT3", r"[A-Za-z0-9_=-]{60,}+"),
    Vendor("docker", "dckr_pat_", rf"{_WORD}{{24,}}+"),
    Vendor("rubygems", "rubygems_", r"[0-9a-f]{48}"),
    Vendor("crates_io", "cio", r"[A-Za-z0-9]{32}(?!\w)", random=True),
    Vendor("heroku", "HRKU-", rf"{_WORD}{{36,}}+"),
    Vendor("pulumi", "pul-", r"[0-9a-f]{40}"),
    Vendor("planetscale", "pscale_", r"(?:tkn|oauth|pw)_[\w.=-]{32,}+"),
    Vendor("flyio", "fo1_", rf"{_WORD}{{43}}"),
    Vendor("flyio_macaroon", "fm2_", r"[A-Za-z0-9+/]{100,}+={0,3}"),
    Vendor("dynatrace", "dt0c01.", r"[A-Za-z0-9]{24}\.[A-Za-z0-9]{64}"),
    Vendor("duffel", "duffel_", r"(?:test|live)_[A-Za-z0-9_=-]{43}"),
    Vendor("easypost", "EZAK", r"[A-Za-z0-9]{54}"),
    Vendor("easypost_test", "EZTK", r"[A-Za-z0-9]{54}"),
    Vendor("flutterwave", "FLWSECK", r"(?:_TEST)?-[0-9a-z]{12,32}(?:-X)?"),
    Vendor("frameio", "fio-u-", r"[A-Za-z0-9_=-]{64}"),
    Vendor("clojars", "CLOJARS_", r"[A-Za-z0-9]{60}"),
    Vendor("defined_networking", "dnkey-", r"[A-Za-z0-9_=-]{60,}+"),
    Vendor("new_relic_insert", "NRII-", r"[A-Za-z0-9-]{32}"),
    Vendor("new_relic_browser", "NRJS-", r"[0-9a-f]{19}"),
    Vendor("octopus", "API-", r"[A-Z0-9]{26}(?!\w)", random=True),
    Vendor("openshift", "sha256~", rf"{_WORD}{{43}}"),
    Vendor("scalingo", "tk-us-", rf"{_WORD}{{48}}"),
    Vendor("brevo", "xkeysib-", r"[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    Vendor("shippo", "shippo_", r"(?:live|test)_[0-9A-Fa-f]{40}"),
    Vendor("sonar", "squ_", r"[0-9A-Fa-f]{40}"),
    Vendor("sonar_project", "sqp_", r"[0-9A-Fa-f]{40}"),
    Vendor("sourcegraph", "sgp_", r"(?:[0-9A-Fa-f]{16}_|local_)?[0-9A-Fa-f]{40}"),
    Vendor("square_production", "EAAA", rf"{_WORD}{{60}}"),
    Vendor("facebook_page", "EAA", r"[A-Za-z0-9]{90,}+", random=True),
    Vendor("x_bearer", "AAAAAAAAAAAAAAAAAAAAA", r"[A-Za-z0-9%]{80,}+"),
    Vendor("yandex_key", "AQVN", rf"{_WORD}{{35,38}}"),
    Vendor("stripe_production", "sk_prod_", r"[A-Za-z0-9]{16,}+"),
    Vendor("onepassword_service", "ops_eyJ", r"[A-Za-z0-9+/=]{100,}+"),
    Vendor("typeform", "tfp_", r"[\w.=-]{59}"),
    Vendor("readme", "rdme_", r"[a-z0-9]{70}"),
    Vendor("prefect", "pnu_", r"[A-Za-z0-9]{36}"),
    Vendor("alibaba", "LTAI", r"[A-Za-z0-9]{12,26}(?!\w)"),
    Vendor("tencent", "AKID", r"[A-Za-z0-9]{32}(?!\w)"),
    Vendor("age_identity", "AGE-SECRET-KEY-1", r"[0-9A-Z]{58}"),
)

_PREFIX = re.compile(
    r"(?<![A-Za-z0-9+])(?:" + "|".join(sorted({re.escape(v.prefix) for v in VENDORS}, reverse=True)) + ")"
)
_BY_PREFIX = {
    prefix: [(re.compile(vendor.rest, re.ASCII), vendor.random) for vendor in group]
    for prefix, group in groupby(sorted(VENDORS, key=lambda v: v.prefix), key=lambda v: v.prefix)
}

_WORD_END = re.compile(r"\w*+", re.ASCII)


def find_vendor_keys(segment: Segment) -> Iterator[tuple[int, int]]:
    """Keys that begin as one of the vendors' do, and go on accordingly."""
    done = -1
    for match in segment.matches(_PREFIX):
        if match.start() < done:
            continue
        for rest, random in _BY_PREFIX[match.group()]:
            key = rest.match(segment.text, match.end(), segment.end)
            if key and _is_real(key.group(), random):
                rest_of_word = _WORD_END.match(segment.text, key.end(), segment.end)
                done = rest_of_word.end() if rest_of_word else key.end()
                done -= _trailing(segment.text[match.start() : done])
                yield match.start(), done
                break


def _is_real(key: str, random: bool) -> bool:
    return not is_placeholder(key) and (not random or is_random(key))


def _trailing(key: str) -> int:
    """How many marks at the end belong to the sentence."""
    return len(key) - len(key.rstrip("-_."))


_SHAPES = re.compile(
    r"(?<![\w.-])(?:"
    r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,45}"  # Discord bot: base64 of its id, time, HMAC
    r"|mfa\.[A-Za-z0-9_-]{80,100}"  # Discord account
    r"|\d{8,10}:[A-Za-z0-9_-]{34,36}"  # Telegram bot (Bot API, "Authorizing your bot")
    r"|[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{26}"  # Azure AI services, "identifiable" key
    r"|[A-Za-z0-9]{52}AZDO[A-Za-z0-9]{28}"  # Azure DevOps, "identifiable" token
    r"|[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}"  # Microsoft Entra client secret
    r"|[0-9a-f]{32}-us[0-9]{1,2}"  # Mailchimp
    r"|[0-9a-f]{32}\.[A-Za-z0-9]{16}"  # Zhipu
    r"|pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"  # Airtable
    r"|[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,70}"  # HCP Terraform
    r")(?![A-Za-z0-9_])",
    re.ASCII,
)


def find_shaped_tokens(segment: Segment) -> Iterator[tuple[int, int]]:
    """Tokens without a prefix but of a shape nothing else has: Discord, Telegram, Azure, and others."""
    for match in segment.matches(_SHAPES):
        if is_random(match.group()):
            yield match.span()


_WEBHOOK = re.compile(
    r"https://(?:"
    r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,}+"  # Slack, "Incoming webhooks"
    r"|(?:(?:ptb|canary)\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d{17,20}/[A-Za-z0-9_-]{40,}+"  # Discord
    r"|[a-z0-9-]{1,63}\.webhook\.office\.com/webhookb2/[A-Za-z0-9@/-]{60,}+"  # Microsoft Teams
    r"|(?:open\.feishu\.cn|open\.larksuite\.com)/open-apis/bot/v2/hook/[0-9a-f-]{36}"  # Feishu, Lark
    r"|qyapi\.weixin\.qq\.com/cgi-bin/webhook/send\?key=[0-9a-f-]{36}"  # WeCom
    r"|oapi\.dingtalk\.com/robot/send\?access_token=[0-9a-f]{64}"  # DingTalk
    r"|chat\.googleapis\.com/v1/spaces/[A-Za-z0-9_-]{8,20}/messages\?key=[A-Za-z0-9_&=%-]{40,}+"  # Google Chat
    r"|hooks\.zapier\.com/hooks/catch/\d{4,12}/[a-z0-9]{5,12}"  # Zapier
    r")"
)


def find_webhooks(segment: Segment) -> Iterator[tuple[int, int]]:
    """Incoming webhook addresses, which let anyone who knows them post."""
    for match in segment.matches(_WEBHOOK):
        if not is_placeholder(match.group()):
            yield match.span()
