"""Every text the bot says itself, in English and Chinese: a code and its parameters make a sentence.

A notice is plain Markdown, free of vendor's words; where something went wrong it carries a short reference that the log has too.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Final

TEXTS: Final[dict[str, dict[str, str]]] = {
    "en": {
        # --- what is kept, said with an answer
        "first_meeting": "I keep our conversation here as context, with secrets filtered out. Say `@me reset` to have it forgotten.",
        "masked": "Something that looked private in your message was masked before anyone saw it.",
        "trimmed": "This conversation is long: I no longer see its oldest part. `reset` starts afresh, `context` shows what I see.",
        "cut_at_length": "My answer reached its length limit here. Ask me to go on if you want the rest.",
        # --- endings
        "stopped": "Stopped.",
        "reset_meanwhile": "Stopped: the conversation was reset.",
        "internal": "Something went wrong on my side. Please try again. (reference {reference})",
        "overloaded": "The model is too busy right now. Please try again in a moment. (reference {reference})",
        "overloaded_until": "The model is too busy right now. Please try again in {wait}. (reference {reference})",
        "quota": "I can't answer: the model's account is out of credit. My operator has to look at it. (reference {reference})",
        "misconfigured": "I can't answer: my link to the model is not set up right. My operator has to look at it. (reference {reference})",
        "too_long": "That is more than the model can read at once. Please shorten it, or `reset` and try again. (reference {reference})",
        "content_filtered": "The model declined to answer that. (reference {reference})",
        "empty": "The model came back without an answer. Please try again or ask in other words. (reference {reference})",
        "cut_off": "The answer broke off here. (reference {reference})",
        "bad_response": "The model's service gave something unreadable. Please try again. (reference {reference})",
        "provider": "The model's service could not answer. Please try again. (reference {reference})",
        "delivery": "I could not show the answer here. (reference {reference})",
        "gave_up": "I tried several times and could not finish this answer. (reference {reference})",
        # --- limits
        "limit_minute": "You have reached the limit of {allowed} questions per minute. Please come back in {wait}.",
        "limit_day": "You have reached today's limit of {allowed} {unit} ({left} left). It starts anew at {time} UTC, in {wait}.",
        "limit_month": "You have reached this month's limit of {allowed} {unit} ({left} left). It starts anew on {date} (UTC), in {wait}.",
        "unit_tokens": "tokens",
        "unit_requests": "questions",
        "unit_usd": "US dollars",
        "crowded": "You have {count} unanswered questions here already. Please wait for one of them.",
        # --- commands
        "empty_mention": "Hello! Ask me something, or say `help`.",
        "unknown_command": "I don't know `{verb}`. Say `help` for what I can do.",
        "help": (
            "Mention me in a channel, write to me directly, or go on in a thread where I already take part.\n\n{commands}\n\n"
            "As a slash command, or as text: `@me reset`."
        ),
        "help_reset": "forget the conversation here and start afresh",
        "help_help": "show this help",
        "help_usage": "show what you have used and what is left",
        "help_context": "show what the model will see of this conversation",
        "help_leave": "stop answering in this thread unless mentioned",
        "help_admin": "",
        "reset_done": "Done: I have forgotten the {turns} earlier {turns_word} here.",
        "reset_nothing": "There was nothing to forget: we start afresh.",
        "turn_one": "turn",
        "turn_many": "turns",
        "left": "I'll be quiet in this thread until somebody mentions me.",
        "left_already": "I don't follow this thread.",
        "leave_outside": "`leave` works inside a thread. In a channel I only answer when mentioned.",
        "usage_none": "No limits are set, and nothing is counted against you.",
        "usage_head": "Your use:",
        "usage_row": "- {name}: {used} of {allowed} {unit}, anew {when} UTC",
        "usage_minute": "- {name}: {used} of {allowed} {unit} right now",
        "name_minute": "this minute",
        "name_day": "today",
        "name_month": "this month",
        "context_head": "The model `{model}` will see, in tokens ({counting}):",
        "context_exact": "exact",
        "context_estimate": "an estimate",
        "context_system": "- instructions: {tokens}",
        "context_history": "- {turns} earlier {turns_word}: {tokens}",
        "context_question": "- left for your question: {tokens}",
        "context_answer": "- kept free for the answer: {tokens}",
        "context_total": "- budget: {tokens}",
        "context_dropped": "Older turns no longer fit and are left out.",
        "context_whole": "Nothing is left out.",
        # --- settings of a place
        "help_settings": "show or change what holds here: model, instructions, scope, who may talk to me",
        "settings_head": "What holds here:",
        "settings_row": "- `{name}`: {value} ({level})",
        "settings_now": "Now: {value} ({level})",
        "settings_choices": "For example: {choices}",
        "settings_how": "Change one with `settings NAME VALUE`, for everywhere with `settings --everywhere NAME VALUE`, and back with "
        "`settings NAME default`. `settings NAME` explains it, `settings history` shows who changed what.",
        "settings_how_not": "The admins of this place can change them. `settings NAME` explains one.",
        "settings_unknown": "There is no setting `{name}`. There are: {names}.",
        "settings_not_admin": "Only the admins of this place can do that.",
        "settings_not_operator": "Only those whom my operator has named can change that.",
        "settings_same": "`{name}` is {value} already.",
        "settings_done": "`{name}` is now {value} here.",
        "settings_done_everywhere": "`{name}` is now {value} everywhere.",
        "settings_back": "`{name}` is no longer set here. What holds: {value}",
        "settings_back_everywhere": "`{name}` is no longer set everywhere. What holds here: {value}",
        "settings_but_here": "This channel has a `{name}` of its own, which goes before.",
        "settings_history": "The latest changes:",
        "settings_history_row": "- {when} UTC, {who}: `{name}` from {old} to {new} ({level})",
        "settings_no_history": "Nothing has been changed here.",
        "settings_nothing": "the default",
        "level_channel": "set for this channel",
        "level_installation": "set everywhere",
        "level_operator": "the default",
        "masked_setting": "Something private in it was masked.",
        "setting_model": "the model that answers",
        "setting_system_prompt": "what the model is told before every conversation",
        "setting_scope": "whose memory it is: the `channel`'s, with threads as branches; each `thread`'s own; or each `user`'s own",
        "setting_answers": "where answers appear: in a `thread` under the question, or in the `channel`",
        "setting_talk": "who may talk to me: `everyone`, only `admins`, or the people (and roles) you mention",
        "setting_too_long": "That is too long: at most {most} characters, and it has {length}.",
        "setting_not_a_choice": "It can be: {choices}.",
        "setting_not_people": "Say `everyone`, `admins`, or mention the people and roles who may.",
        "setting_too_many": "That is too many: at most {most}.",
        "setting_no_model": "I don't know a model `{model}`. There are: {models}. Others need their provider, as in `openai:NAME`.",
        "setting_model_out_of_reach": "`{model}` can't be reached: my operator has set no key for it. There are: {models}.",
        "setting_model_ended": "`{model}` is no longer offered. Use {models}.",
        "setting_model_unpriced": "The price of `{model}` is not known, so the budgets could not be held.",
        "gone": "That is over, or not yours to press.",
        "stopping": "Stopping.",
        "retrying": "I'll try again.",
        "thinking": "is thinking…",
        # --- buttons
        "button_stop": "Stop",
        "button_retry": "Try again",
    },
    "zh": {
        "first_meeting": "我会保留这里的对话以便联系上下文，敏感信息会先行过滤。说“@我 reset”即可让我忘记。",
        "masked": "您的消息中有疑似私密的内容，已在任何人看到之前被遮盖。",
        "trimmed": "对话已经很长：最早的部分我已看不到。`reset` 重新开始，`context` 查看我能看到的内容。",
        "cut_at_length": "回答到此达到长度上限。如需其余部分，请让我继续。",
        "stopped": "已停止。",
        "reset_meanwhile": "已停止：对话已重置。",
        "internal": "我这边出了问题，请再试一次。（编号 {reference}）",
        "overloaded": "模型现在太忙，请稍后再试。（编号 {reference}）",
        "overloaded_until": "模型现在太忙，请在{wait}后再试。（编号 {reference}）",
        "quota": "无法回答：模型账户的额度已用完，需要管理员处理。（编号 {reference}）",
        "misconfigured": "无法回答：与模型的连接设置有误，需要管理员处理。（编号 {reference}）",
        "too_long": "内容超过了模型一次能读的长度。请缩短，或用 `reset` 后再试。（编号 {reference}）",
        "content_filtered": "模型拒绝回答这个问题。（编号 {reference}）",
        "empty": "模型没有给出回答。请重试或换个说法。（编号 {reference}）",
        "cut_off": "回答在此中断。（编号 {reference}）",
        "bad_response": "模型服务返回了无法读取的内容，请再试一次。（编号 {reference}）",
        "provider": "模型服务无法回答，请再试一次。（编号 {reference}）",
        "delivery": "无法在这里显示回答。（编号 {reference}）",
        "gave_up": "我尝试了几次，仍未能完成这个回答。（编号 {reference}）",
        "limit_minute": "您已达到每分钟 {allowed} 个问题的上限。请在{wait}后再来。",
        "limit_day": "您已达到今天 {allowed} {unit}的上限（剩余 {left}）。将于 {time} UTC 重新计算，还有{wait}。",
        "limit_month": "您已达到本月 {allowed} {unit}的上限（剩余 {left}）。将于 {date}（UTC）重新计算，还有{wait}。",
        "unit_tokens": "个 token",
        "unit_requests": "个问题",
        "unit_usd": "美元",
        "crowded": "您在这里已有 {count} 个问题尚未回答，请先等其中一个。",
        "empty_mention": "您好！请提问，或说 `help`。",
        "unknown_command": "我不认识 `{verb}`。说 `help` 查看我能做什么。",
        "help": "在频道里提及我、直接给我发消息，或在我已参与的消息列中继续。\n\n{commands}\n\n可用斜杠命令，也可用文字：`@我 reset`。",
        "help_reset": "忘记这里的对话，重新开始",
        "help_help": "显示此帮助",
        "help_usage": "显示您的用量和剩余额度",
        "help_context": "显示模型将看到的对话内容",
        "help_leave": "在此消息列中不再作答，除非被提及",
        "help_admin": "",
        "reset_done": "好的：我已忘记这里之前的 {turns} {turns_word}。",
        "reset_nothing": "没有需要忘记的内容：我们重新开始。",
        "turn_one": "轮对话",
        "turn_many": "轮对话",
        "left": "在有人提及我之前，我不会在此消息列中说话。",
        "left_already": "我没有关注这个消息列。",
        "leave_outside": "`leave` 只能在消息列中使用。在频道里，我只在被提及时作答。",
        "usage_none": "没有设置限额，也没有对您计数。",
        "usage_head": "您的用量：",
        "usage_row": "- {name}：{used} / {allowed} {unit}，{when} UTC 重新计算",
        "usage_minute": "- {name}：{used} / {allowed} {unit}",
        "name_minute": "这一分钟",
        "name_day": "今天",
        "name_month": "本月",
        "context_head": "模型 `{model}` 将看到（以 token 计，{counting}）：",
        "context_exact": "精确值",
        "context_estimate": "估计值",
        "context_system": "- 指示：{tokens}",
        "context_history": "- 之前的 {turns} {turns_word}：{tokens}",
        "context_question": "- 留给您的问题：{tokens}",
        "context_answer": "- 为回答保留：{tokens}",
        "context_total": "- 总预算：{tokens}",
        "context_dropped": "更早的对话放不下，已略去。",
        "context_whole": "没有略去任何内容。",
        "help_settings": "查看或更改此处的设置：模型、指示、范围、谁可以与我交谈",
        "settings_head": "此处的设置：",
        "settings_row": "- `{name}`：{value}（{level}）",
        "settings_now": "现在：{value}（{level}）",
        "settings_choices": "例如：{choices}",
        "settings_how": "用 `settings NAME VALUE` 更改，用 `settings --everywhere NAME VALUE` 在所有地方更改，"
        "用 `settings NAME default` 恢复。`settings NAME` 说明其含义，`settings history` 显示谁改了什么。",
        "settings_how_not": "此处的管理员可以更改。`settings NAME` 说明其含义。",
        "settings_unknown": "没有名为 `{name}` 的设置。可用的有：{names}。",
        "settings_not_admin": "只有此处的管理员可以这样做。",
        "settings_not_operator": "只有运营者指定的人可以更改。",
        "settings_same": "`{name}` 本来就是 {value}。",
        "settings_done": "此处的 `{name}` 现在是 {value}。",
        "settings_done_everywhere": "所有地方的 `{name}` 现在是 {value}。",
        "settings_back": "此处不再设置 `{name}`。现在适用：{value}",
        "settings_back_everywhere": "不再统一设置 `{name}`。此处现在适用：{value}",
        "settings_but_here": "此频道有自己的 `{name}`，以它为准。",
        "settings_history": "最近的更改：",
        "settings_history_row": "- {when} UTC，{who}：`{name}` 从 {old} 改为 {new}（{level}）",
        "settings_no_history": "此处没有更改过任何设置。",
        "settings_nothing": "默认值",
        "level_channel": "为此频道设置",
        "level_installation": "为所有地方设置",
        "level_operator": "默认值",
        "masked_setting": "其中的私密内容已被遮盖。",
        "setting_model": "作答的模型",
        "setting_system_prompt": "每次对话前告诉模型的话",
        "setting_scope": "记忆属于谁：`channel` 属于频道，消息列是其分支；`thread` 属于各个消息列；`user` 属于每个人自己",
        "setting_answers": "回答出现在哪里：`thread` 在问题下的消息列中，`channel` 在频道中",
        "setting_talk": "谁可以与我交谈：`everyone` 所有人，`admins` 仅管理员，或您提及的人（和身份组）",
        "setting_too_long": "太长了：最多 {most} 个字符，而它有 {length} 个。",
        "setting_not_a_choice": "可以是：{choices}。",
        "setting_not_people": "请说 `everyone`、`admins`，或提及可以与我交谈的人和身份组。",
        "setting_too_many": "太多了：最多 {most} 个。",
        "setting_no_model": "我不认识模型 `{model}`。可用的有：{models}。其他模型请在前面写上提供方，如 `openai:NAME`。",
        "setting_model_out_of_reach": "无法使用 `{model}`：运营者没有为它设置密钥。可用的有：{models}。",
        "setting_model_ended": "`{model}` 已停止提供。请使用 {models}。",
        "setting_model_unpriced": "`{model}` 的价格未知，无法控制预算。",
        "gone": "这已结束，或不属于您。",
        "stopping": "正在停止。",
        "retrying": "我再试一次。",
        "thinking": "正在思考…",
        "button_stop": "停止",
        "button_retry": "重试",
    },
}


def language_of(tag: str, default: str) -> str:
    """The language to speak to a person, by the BCP 47 tag of the platform ("zh-CN", "en_US"), else the default."""
    primary = tag.replace("_", "-").partition("-")[0].lower()
    return primary if primary in TEXTS else default


def notice(code: str, language: str = "en", **parameters: object) -> str:
    """The text of a notice. A code that has no text is a mistake of ours and raises `KeyError`."""
    return TEXTS[language][code].format(**parameters)


def reference() -> str:
    """A short reference that stands in a notice and in the log: eight letters and digits that can't be misread."""
    return "".join(secrets.choice("23456789abcdefghjkmnpqrstuvwxyz") for _ in range(8))


def wait_text(now: datetime, until: datetime, language: str) -> str:
    """How long it is until then, rounded up, in the largest unit that says it well."""
    seconds = max(1, -int(-(until - now).total_seconds() // 1))
    for size, english, chinese in (
        (86_400, "day", "天"),
        (3_600, "hour", "小时"),
        (60, "minute", "分钟"),
        (1, "second", "秒"),
    ):
        if seconds >= 2 * size or size == 1 or seconds == size:
            count = -(-seconds // size)
            return (
                f"{count} {chinese}" if language == "zh" else f"{count} {english}{'s' if count != 1 else ''}"
            )
    raise AssertionError("seconds is the smallest unit")
