"""Methods about the bot itself and about what is where: updates, commands, texts, menu, chats, members, files."""

from __future__ import annotations

import json
import re

from samobot.sandbox.botapi import api_limits
from samobot.sandbox.botapi.bots import CommandKey
from samobot.sandbox.botapi.chats import ChatType, MemberStatus, SandboxChat
from samobot.sandbox.botapi.entities import utf16_length
from samobot.sandbox.botapi.failure import ApiFailure, bad_request, too_many_requests
from samobot.sandbox.botapi.feed import EventKind
from samobot.sandbox.botapi.methods import Context, method

_SCOPES = {
    "default": (),
    "all_private_chats": (),
    "all_group_chats": (),
    "all_chat_administrators": (),
    "chat": ("chat_id",),
    "chat_administrators": ("chat_id",),
    "chat_member": ("chat_id", "user_id"),
}
_LANGUAGE = re.compile(r"[a-z]{2}")


@method("getMe")
def get_me(context: Context) -> object:
    """Who the bot is."""
    return context.bot.user.api() | {
        "can_join_groups": True,
        "can_read_all_group_messages": not context.bot.privacy,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
        "has_topics_enabled": context.bot.has_topics,
    }


@method("getUpdates", "offset limit timeout allowed_updates")
async def get_updates(context: Context) -> object:
    """Wait for updates; see `UpdateQueue.poll`. What was queued raw may not be JSON: the server joins the texts."""
    arguments, bot = context.arguments, context.bot
    if bot.webhook_url:
        raise ApiFailure(
            409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
        )  # fmt: skip
    allowed = arguments.json("allowed_updates")
    if isinstance(allowed, list):
        bot.queue.allow(str(kind) for kind in allowed)
    bodies = await bot.queue.poll(
        arguments.integer("offset"),
        arguments.integer("limit", api_limits.UPDATES_A_POLL),
        arguments.integer("timeout"),
    )
    return RawList(bodies)


class RawList(list[str]):
    """A list whose items are JSON texts to be sent as they stand."""


@method("deleteWebhook", "drop_pending_updates")
def delete_webhook(context: Context) -> object:
    """Go back to getUpdates."""
    context.bot.webhook_url = ""
    if context.arguments.flag("drop_pending_updates"):
        context.bot.queue.clear()
    return True


@method("getWebhookInfo")
def get_webhook_info(context: Context) -> object:
    """Whether there is a webhook, and how many updates wait."""
    bot = context.bot
    info: dict[str, object] = {
        "url": bot.webhook_url,
        "has_custom_certificate": False,
        "pending_update_count": len(bot.queue),
    }
    if bot.queue.allowed is not None:
        info["allowed_updates"] = sorted(bot.queue.allowed)
    return info


@method(
    "setWebhook",
    "url certificate ip_address max_connections allowed_updates drop_pending_updates secret_token",
)
def set_webhook(context: Context) -> object:
    """Refused: the sandbox does not call out. An empty address is deleteWebhook, as with Telegram."""
    if context.arguments.text("url"):
        raise bad_request("bad webhook: the sandbox does not deliver updates to webhooks")
    return delete_webhook(context)


@method("logOut")
def log_out(_: Context) -> object:
    """Refused: moving a bot off the cloud server cannot be undone for ten minutes."""
    raise bad_request("the sandbox does not let a bot log out")


@method("close")
def close(_: Context) -> object:
    """Refused as Telegram refuses it in the first ten minutes."""
    raise too_many_requests(600)


@method("setMyCommands", "commands scope language_code")
def set_my_commands(context: Context) -> object:
    """Set the menu of commands for some chats."""
    given = context.arguments.json("commands", "commands")
    if not isinstance(given, list):
        raise bad_request("can't parse commands: expected an Array of BotCommand")
    if len(given) > api_limits.COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    context.bot.commands[_command_key(context)] = [_command(item) for item in given]
    context.world.feed.publish(EventKind.COMMANDS, bot=context.bot.username)
    return True


@method("getMyCommands", "scope language_code")
def get_my_commands(context: Context) -> object:
    """The menu of exactly that scope and language."""
    return context.bot.commands.get(_command_key(context), [])


@method("deleteMyCommands", "scope language_code")
def delete_my_commands(context: Context) -> object:
    """Remove the menu of a scope."""
    context.bot.commands.pop(_command_key(context), None)
    context.world.feed.publish(EventKind.COMMANDS, bot=context.bot.username)
    return True


def _command(item: object) -> dict[str, str]:
    if not isinstance(item, dict):
        raise bad_request("can't parse BotCommand: expected an Object")
    name, description = item.get("command"), item.get("description")
    if not isinstance(name, str) or not isinstance(description, str):
        raise bad_request("can't parse BotCommand: Can't find field of type String")
    name = name.removeprefix("/")
    if not re.fullmatch(rf"[a-z0-9_]{{1,{api_limits.COMMAND_NAME}}}", name):
        raise bad_request("BOT_COMMAND_INVALID")
    if not 1 <= utf16_length(description.strip()) <= api_limits.COMMAND_DESCRIPTION:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": name, "description": description.strip()}


def _command_key(context: Context) -> CommandKey:
    scope = context.arguments.json("scope", "BotCommandScope")
    if scope is None:
        scope = {"type": "default"}
    kind = scope.get("type") if isinstance(scope, dict) else None
    if not isinstance(scope, dict) or kind not in _SCOPES:
        raise bad_request("can't parse BotCommandScope: Unsupported type specified")
    numbers = {"chat_id": 0, "user_id": 0}
    if "chat_id" in _SCOPES[kind]:
        chat = context.world.chat_of(context.bot, str(scope.get("chat_id", "")), writing=False)
        if kind != "chat" and chat.type is ChatType.PRIVATE:
            raise bad_request("can't use the scope in a private chat")
        numbers["chat_id"] = chat.id
    if "user_id" in _SCOPES[kind]:
        numbers["user_id"] = _user_id(str(scope.get("user_id", "")))
    return str(kind), numbers["chat_id"], numbers["user_id"], _language(context)


def _language(context: Context) -> str:
    code = context.arguments.text("language_code")
    if code and not _LANGUAGE.fullmatch(code):
        raise bad_request("BOT_COMMANDS_LANGUAGE_INVALID")
    return code


def _text_methods(what: str, key: str, longest: int) -> None:
    """Enter the pair of methods that sets and gets one of the bot's texts."""

    @method(f"setMy{what}", f"{key} language_code")
    def set_text(context: Context) -> object:
        text = context.arguments.text(key).strip()
        if utf16_length(text) > longest:
            raise bad_request(f"BOT_{key.upper()}_TOO_LONG")
        context.bot.texts[key, _language(context)] = text
        return True

    @method(f"getMy{what}", "language_code")
    def get_text(context: Context) -> object:
        texts = context.bot.texts
        default = context.bot.user.first_name if key == "name" else ""
        return {key: texts.get((key, _language(context))) or texts.get((key, "")) or default}


_text_methods("Name", "name", api_limits.BOT_NAME)
_text_methods("Description", "description", api_limits.DESCRIPTION)
_text_methods("ShortDescription", "short_description", api_limits.SHORT_DESCRIPTION)


@method("setChatMenuButton", "chat_id menu_button")
def set_chat_menu_button(context: Context) -> object:
    """Choose what the button beside the text field does."""
    button = context.arguments.json("menu_button", "menu button")
    kind = button.get("type") if isinstance(button, dict) else "default" if button is None else None
    if kind not in {"default", "commands", "web_app"}:
        raise bad_request("can't parse menu button: Unsupported type specified")
    if kind == "web_app":
        raise bad_request("the sandbox does not play web apps")
    context.bot.menu_buttons[_menu_chat(context)] = {"type": kind}
    return True


@method("getChatMenuButton", "chat_id")
def get_chat_menu_button(context: Context) -> object:
    """What the button beside the text field does."""
    return context.bot.menu_buttons.get(_menu_chat(context)) or context.bot.menu_buttons.get(
        0, {"type": "default"}
    )


def _menu_chat(context: Context) -> int:
    given = context.arguments.text("chat_id")
    if not given:
        return 0
    chat = context.world.chat_of(context.bot, given, writing=False)
    if chat.type is not ChatType.PRIVATE:
        raise bad_request("the method is available only for private chats")
    return chat.id


@method("getChat", "chat_id")
def get_chat(context: Context) -> object:
    """What is known of a chat."""
    chat = _visible_chat(context)
    body = chat.api() | {
        "accent_color_id": abs(chat.id) % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(
            (
                "unlimited_gifts",
                "limited_gifts",
                "unique_gifts",
                "premium_subscription",
                "gifts_from_channels",
            ),
            False,
        ),
    }
    if chat.pinned and (pinned := chat.by_id.get(chat.pinned[-1])) is not None:
        body["pinned_message"] = pinned.api(with_reply=False)
    return body


@method("getChatMember", "chat_id user_id")
def get_chat_member(context: Context) -> object:
    """A user's membership status in a chat."""
    chat = _visible_chat(context)
    user = context.world.users.get(_user_id(context.arguments.text("user_id")))
    if user is None:
        raise bad_request("user not found")
    return member_api(chat, user.id, user.api())


@method("getFile", "file_id")
def get_file(context: Context) -> object:
    """Where a file can be downloaded."""
    if not context.arguments.text("file_id"):
        raise bad_request("file_id not specified")
    file = context.world.files.by_id(context.arguments.text("file_id"))
    if file.size > api_limits.DOWNLOAD_BYTES:
        raise bad_request("file is too big")
    return file.api() | {"file_path": file.path}


def member_api(chat: SandboxChat, user_id: int, user: dict[str, object]) -> dict[str, object]:
    """A `ChatMember`."""
    status = chat.status(user_id)
    body: dict[str, object] = {"status": status.value, "user": user}
    match status:
        case MemberStatus.CREATOR:
            body["is_anonymous"] = False
        case MemberStatus.ADMINISTRATOR:
            rights = (
                "can_be_edited is_anonymous can_manage_chat can_delete_messages can_manage_video_chats "
                "can_restrict_members can_promote_members can_change_info can_invite_users can_post_stories "
                "can_edit_stories can_delete_stories can_pin_messages can_manage_topics"
            )
            body |= dict.fromkeys(rights.split(), True) | {"can_be_edited": False, "is_anonymous": False}
        case MemberStatus.KICKED:
            body["until_date"] = 0
        case MemberStatus.MEMBER | MemberStatus.LEFT:
            pass
    return body


def _visible_chat(context: Context) -> SandboxChat:
    chat = context.world.chat_of(context.bot, context.arguments.text("chat_id"), writing=False)
    if chat.status(context.bot.user.id) is MemberStatus.KICKED:
        return context.world.chat_of(context.bot, context.arguments.text("chat_id"))
    return chat


def _user_id(text: str) -> int:
    if not text.isdigit():
        raise bad_request("invalid user_id specified")
    return int(text)


def result_json(result: object) -> str:
    """The answer to a method that went well; updates stand in it as they were queued."""
    if isinstance(result, RawList):
        return f'{{"ok":true,"result":[{",".join(result)}]}}'
    return json.dumps({"ok": True, "result": result}, ensure_ascii=False)
