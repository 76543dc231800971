"""The commands: one table that makes the menu, the help, and who carries each out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from samobot.frozen import frozen
from samobot.session.status import SessionState
from samobot.telegram.handlers import (
    archive_handlers,
    clean_handlers,
    control_handlers,
    decision_handlers,
    document_handlers,
    emergency_handlers,
    follow_up_handlers,
    guidance_handlers,
    host_handlers,
    landing_handlers,
    preferences,
    run_handlers,
    schedule_handlers,
    status_handlers,
    trigger_handlers,
    trust_handlers,
)
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext
from samobot.telegram.handlers.recent_sessions import newest, recent_sessions
from samobot.telegram.handlers.resolve import display_names
from samobot.telegram.handlers.suggestions import suggest
from samobot.telegram.markup.html import bold, code
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.store.pairing import Access
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, rows
from samobot.telegram.views.pending import need_of
from samobot.text import nearest, one_line, plural

_ALL = "all"
_RECENT = 5
"""Argument of `/help` that lists every command."""

Handler = Callable[[HandlerContext, ChatRequest], Awaitable[None]]


@frozen
class Command:
    """One command.

    Attributes:
        name: Without the slash.
        arguments: What comes after it, as the help shows it.
        help: What it does, one line without a full stop.
        handler: Carries it out.
        acts: Whether an old one has to be confirmed, as the state may have changed since it was written.
    """

    name: str
    arguments: str
    help: str
    handler: Handler
    acts: bool = False


async def _help(context: HandlerContext, request: ChatRequest) -> None:
    """`/help [command|all]`: what can be done now; all commands at a tap."""
    wanted = request.text.strip().removeprefix("/").casefold()
    if wanted == _ALL:
        _help_all(context, request)
        return
    if wanted:
        await _help_about(context, request, wanted)
        return
    views = newest(await recent_sessions(context, _RECENT))
    about = [view for view in views if view.ref.key == request.session] or views
    shown = [
        f"{_quoted(each.command)}  {escape(each.words)}" for each in suggest(about, display_names(about))
    ]
    context.reply(
        request,
        "\n".join(
            [
                bold("What can be done now"),
                *shown,
                "",
                "Reply to a message to reach its session. Photos, files and voice work too.",
            ]
        ),
        buttons=rows(
            ActionButton("All commands", Action(do=ActionKind.RUN_STALE, command="help", text=_ALL))
        ),
    )


def _help_all(context: HandlerContext, request: ChatRequest) -> None:
    lines = [f"/{command.name}  {command.help}" for command in COMMANDS]
    context.reply(
        request,
        "\n".join(
            [
                bold("All commands"),
                *lines,
                "",
                f"{code('/help run')} explains one. Leave a name out if only one session can be meant.",
            ]
        ),
        part="all",
    )


async def _help_about(context: HandlerContext, request: ChatRequest, wanted: str) -> None:
    command = find_command(wanted)
    if command is None:
        unknown(context, request, wanted)
        return
    usage = f"/{command.name} {command.arguments}".rstrip()
    more = _DETAILS.get(command.name, "")
    context.reply(request, f"{code(usage)}\n{command.help}.{more}")


def _arrival(context: HandlerContext, request: ChatRequest, code: str) -> str:
    """Report what a pairing code has done: it paired the user or group, or was not needed."""
    came = context.store.last_pairing.find(request.chat_id, request.message_id)
    if came is not None and request.chat_id < 0:
        group = f"This group, {bold(one_line(came.title, 60))}," if came.title.strip() else "This group"
        return f"✅ {group} is paired: people who may use me can do so here now."
    if came is not None:
        return f"✅ Welcome, {escape(one_line(request.person.who, 60))}. You are paired."
    who = "This group is" if request.chat_id < 0 else "You are"
    # A paired user followed the link: the code must not stay valid for others.
    used = context.store.pairing.redeem(code)
    return f"{who} paired already; {'the code is used up' if used else 'no code is needed'}."


async def _cancel(context: HandlerContext, request: ChatRequest) -> None:
    """`/cancel`: what was asked is left unanswered; giving the command has closed it already."""
    context.reply(request, "Cancelled. Nothing was done.", part="cancelled")


async def _start(context: HandlerContext, request: ChatRequest) -> None:
    """`/start`: greet and show the current state; a pairing code was redeemed on the way in."""
    word = request.text.strip()
    if word:
        context.reply(request, _arrival(context, request, word), part="welcome")
    views = await context.fleet.sessions()
    waiting = sum(1 for view in views if need_of(view) is not None)
    running_now = sum(1 for view in views if view.state is SessionState.RUNNING)
    projects = await context.fleet.projects()
    if not projects:
        now = (
            f"No project is configured yet: put the path of a .samocode file into {code('SAMOBOT_PROJECTS')}."
        )
    elif not views and not await context.fleet.past():
        now = f"Nothing here yet. Send me a task in your own words, such as {code('Add a greeting script')}"
    else:
        now = f"{plural(waiting, 'session')} wait{'s' if waiting == 1 else ''} for you, {running_now} running: /status"
    context.reply(
        request,
        f"{bold('samobot')} runs Claude Code sessions and asks you when you are needed.\n{now}\n/help shows what can be done now.",
        part="greeting",
    )


COMMANDS: tuple[Command, ...] = (
    Command("run", "task in any words", "Start a session; with a name alone, continue one", run_handlers.run, acts=True),
    Command("status", "[name]", "All sessions, or one in detail", status_handlers.status),
    Command("answer", "[name] [Q2] text", "Answer a question; a letter picks an option, all takes every suggestion", decision_handlers.answer),
    Command("approve", "[name]", "Approve the plan", decision_handlers.approve, acts=True),
    Command("reject", "[name] feedback", "Send the plan back", decision_handlers.reject, acts=True),
    Command("tell", "[name] text", "Give the agent guidance, at its next step", guidance_handlers.tell),
    Command("now", "[name] text", "Interrupt the agent with guidance; also /tell!", guidance_handlers.interrupt, acts=True),
    Command("stop", "[name|all]", "Stop now", control_handlers.stop, acts=True),
    Command("pause", "[name]", "Pause after the iteration", control_handlers.pause, acts=True),
    Command("resume", "[name|all]", "Resume", control_handlers.resume, acts=True),
    Command("log", "[name]", "What the agent is doing", document_handlers.log),
    Command("plan", "[name]", "The plan", document_handlers.plan),
    Command("diff", "[name]", "What has changed in the code", document_handlers.diff),
    Command("review", "[name]", "A page about the change: what to look at first", document_handlers.review),
    Command("learn", "[name]", "What it learned, to be kept for later sessions", document_handlers.learn),
    Command("trust", "[name]", "What its project would run, to be trusted or left out", trust_handlers.trust),
    Command("files", "[name] [file]", "The session's files", document_handlers.files),
    Command("cost", "[name]", "The money", preferences.cost),
    Command("chart", "[name]", "The session's course as a picture", document_handlers.chart),
    Command("sessions", "[project|archived]", "All sessions", status_handlers.sessions),
    Command("projects", "", "All projects", status_handlers.projects),
    Command("hosts", "", "The machines that sessions run on", host_handlers.hosts),
    Command("followup", "[name] text", "Another round of what is done, on the same branch", follow_up_handlers.follow_up, acts=True),
    Command("land", "[name]", "Merge or push what is done", landing_handlers.land, acts=True),
    Command("schedule", "[time task]", "Start a session at a time; alone, list what is scheduled", schedule_handlers.schedule),
    Command("triggers", "[issue label|review]", "Offer issues and reviews as work; alone, list what is watched", trigger_handlers.triggers),
    Command("archive", "[name]", "Archive a session", archive_handlers.archive, acts=True),
    Command("restore", "[name]", "Take a session out of the archive", archive_handlers.restore),
    Command("clean", "[name]", "Remove worktrees and branches that are merged", clean_handlers.clean),
    Command("cancel", "", "Leave what I asked unanswered", _cancel),
    Command("notify", "quiet|normal|all", "What comes to this chat", preferences.notify),
    Command("panic", "", "Stop everything, until /resume", emergency_handlers.panic, acts=True),
    Command("help", "[command|all]", "What can be done now", _help),
    Command("start", "[code]", "Begin", _start),
)  # fmt: skip
"""All commands, in the order of the menu."""

_DETAILS = {
    "run": (
        "\n\n"
        + code("/run Add a greeting script")
        + "\n"
        + code("/run greet: Add a greeting script")
        + " names the session\n"
        + code("/run project:greet …")
        + " names the project too\n"
        + code('--dive "look here first"')
        + " investigates first\n"
        + code("--budget 5")
        + " US dollars for the whole session\n"
        + code("--from greet")
        + " begins on the commits of another session\n"
        + code("--profile strong")
        + " model and effort of all its phases: light, standard, strong, max; default is as configured\n"
        + code("--provider codex")
        + " lets Codex write and review; claude, or default as configured\n"
        + code("--auto")
        + " takes suggestions and approves the plan after a while, unless you say otherwise"
    ),
    "schedule": (
        "\n\n"
        + code("/schedule tomorrow 7:00 Update the dependencies")
        + "\n"
        + code("/schedule every weekday 8:30 api: Fix what is red")
        + "\n"
        + code("/schedule in 2 hours …")
        + "\n"
        + code("/schedule 0 7 * * 1-5 …")
        + " is a cron expression"
    ),
    "triggers": (
        "\n\n"
        + code("/triggers issue samobot")
        + " offers each open issue with that label\n"
        + code("/triggers review")
        + " offers each review that you are asked for\n"
        + code("/triggers api: issue bug --start")
        + " starts without asking, in the project api"
    ),
    "answer": (
        "\n\n"
        + code("/answer B")
        + " if one question is open\n"
        + code("/answer Q2 B")
        + "\n"
        + code("/answer Q1=A Q2=C")
        + "\n"
        + code("/answer all")
        + " takes every suggestion"
    ),
}

_BY_NAME = {command.name: command for command in COMMANDS}


def find_command(name: str) -> Command | None:
    """The command of that name."""
    return _BY_NAME.get(name)


def nearest_command(name: str) -> Command | None:
    """The command that was probably meant: by its beginning, else by its letters."""
    begun = [command for command in COMMANDS if len(name) >= 2 and command.name.startswith(name)]
    if len(begun) == 1:
        return begun[0]
    close = nearest(name, [command.name for command in COMMANDS])
    return _BY_NAME[close] if close is not None else None


def menu() -> list[tuple[str, str]]:
    """The command menu: name and description."""
    return [(command.name, command.help) for command in COMMANDS if command.name != "start"]


def unknown(context: HandlerContext, request: ChatRequest, name: str) -> None:
    """Reply that the command does not exist, with the one that was probably meant."""
    close = nearest_command(name)
    hint = f"Did you mean /{close.name}?" if close is not None else f"{_quoted('help all')} shows all."
    context.reply(request, f"There is no {code(f'/{one_line(name, 40)}')}. {hint}", part="unknown")


def _quoted(command: str) -> str:
    """A command in a text: one that has arguments as code, as a tap on it would send its name alone."""
    return code(f"/{command}") if " " in command else f"/{escape(command)}"


def pairing_advice(access: Access) -> str | None:
    """How to pair if no one may use the bot yet; None if somebody may."""
    if access.users:
        return None
    return (
        "Nobody may use this bot yet. Run `samobot bot --pair` on this machine and send the bot the code that it "
        "shows, or set TELEGRAM_CHAT_ID to the number of your chat."
    )
