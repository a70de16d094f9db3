"""What Slack sends, read: recorded payloads become what the bot understands."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.slack.check import SCOPES
from adapters.slack.incoming import (
    Person,
    Workspace,
    by_a_person,
    incoming,
    installation_of,
    invocation,
    moment,
)
from adapters.slack.text import escape, readable
from bot.chat import File

PAYLOADS = Path(__file__).parent / "payloads" / "slack"
MANIFEST = Path(__file__).parent.parent / "adapters" / "slack" / "manifest.json"
ADA = Person("Ada", language="en-GB")
NAMES = {"U0GRACE01": "Grace", "U0ADA0001": "Ada"}


def payload(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def test_a_mention_is_read_as_it_was_meant() -> None:
    body = payload("app_mention")
    workspace = Workspace(installation_of(body), "U0BOT0001")
    said = incoming(workspace, "C0GENERAL", body["event"], ADA, NAMES, direct=False, in_thread=True)
    assert said.text == (
        "is 3 < 4 & does @Grace like #random? see [this page](https://example.org/a?b=1&c=2) and x@example.org @here"
    )
    assert said.mentioned and not said.direct
    assert said.key == "slack:T0ACME001:C0GENERAL:1763856000.123456"
    assert said.place.thread == ""
    assert said.address["thread"] == said.address["opens_thread"] == said.message
    assert said.sent_at == datetime(2025, 11, 23, 0, 0, 0, 123456, tzinfo=UTC)


def test_an_edit_in_a_thread_of_an_org_wide_install() -> None:
    body = payload("message_changed")
    event = body["event"]
    workspace = Workspace(installation_of(body), "U0BOT0001")
    assert workspace.installation == "E0HOLDING"
    said = incoming(
        workspace,
        event["channel"],
        event["message"],
        ADA,
        NAMES,
        direct=False,
        in_thread=True,
        revision=event["message"]["edited"]["ts"],
    )
    assert said.place.thread == "1763855000.000001"
    assert said.branched_at == moment("1763855000.000001")
    assert said.revision == "1763856060.000000"
    assert "opens_thread" not in said.address


def test_in_the_channel_no_thread_is_opened() -> None:
    body = payload("app_mention")
    workspace = Workspace("T0ACME001", "U0BOT0001")
    said = incoming(workspace, "C0GENERAL", body["event"], ADA, NAMES, direct=False, in_thread=False)
    assert said.address["thread"] == ""
    assert "opens_thread" not in said.address


def test_workflows_and_other_bots_are_no_people() -> None:
    assert not by_a_person(payload("workflow_message")["event"])
    assert by_a_person(payload("app_mention")["event"])


@pytest.mark.parametrize(
    ("command", "text", "verb", "argument"),
    [
        ("/rejoinder", "reset", "reset", ""),
        ("/rejoinder", "", "help", ""),
        ("/reset", "now", "reset", "now"),
        ("/rejoinder", "Usage all", "usage", "all"),
    ],
)
def test_commands_are_read(command: str, text: str, verb: str, argument: str) -> None:
    body = {
        "command": command,
        "text": text,
        "channel_id": "D1",
        "user_id": "U1",
        "trigger_id": "t",
        "team_id": "T1",
    }
    asked = invocation(body, ADA, "T1")
    assert (asked.verb, asked.argument, asked.direct) == (verb, argument, True)


def test_the_bots_own_mention_goes_and_everybody_elses_stays() -> None:
    assert (
        readable("<@U0BOT0001> ask <@U0GRACE01> and <@UNKNOWN1>", "U0BOT0001", NAMES)
        == "ask @Grace and @UNKNOWN1"
    )
    assert readable("ask <@U0BOT0001|rejoinder>", "U0BOT0001", NAMES) == "ask"


def test_escaping_undoes_reading() -> None:
    text = "1 < 2 && <@U1> &lt;"
    assert readable(escape(text), "U9", {}) == text


def test_the_manifest_asks_for_exactly_what_is_used() -> None:
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    assert sorted(manifest["oauth_config"]["scopes"]["bot"]) == sorted(SCOPES)
    handled = {
        "agent_session_stopped",
        "app_home_opened",
        "app_mention",
        "message.channels",
        "message.groups",
        "message.im",
        "message.mpim",
        "app_uninstalled",
        "tokens_revoked",
    }
    assert set(manifest["settings"]["event_subscriptions"]["bot_events"]) == handled


def test_files_are_references_without_address_and_those_taken_away_are_none() -> None:
    body = payload("app_mention")
    private = "https://files.slack.com/files-pri/T0ACME001-F1/plan.png"
    shared = {"id": "F1", "name": "plan.png", "mimetype": "image/png", "size": 12, "url_private": private}
    afar = {"id": "F2", "file_access": "check_file_info", "mode": "file_access"}
    event = body["event"] | {
        "subtype": "file_share",
        "files": [shared, {"id": "F3", "mode": "tombstone"}, afar],
    }
    workspace = Workspace(installation_of(body), "U0BOT0001")
    said = incoming(workspace, "C0GENERAL", event, ADA, NAMES, direct=False, in_thread=True)
    assert said.content[1:] == (
        File("plan.png", "image/png", 12, {"id": "F1"}),
        File("file", "", 0, {"id": "F2"}),
    )
    alone = incoming(workspace, "D1", event | {"text": ""}, ADA, NAMES, direct=True, in_thread=True)
    assert alone.text == "[picture: plan.png]\n[file: file]"
