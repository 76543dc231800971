"""What there is to see: the state of things, documents, money, and the preferences of a chat."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from samobot.bot.actions import Action, ActionKind
from samobot.bot.addressing import any_session, find_target, is_active, names
from samobot.bot.arguments import first_word
from samobot.bot.buttons import Rows, rows
from samobot.bot.cards import card, doing, sign_of
from samobot.bot.chats import NotifyLevel
from samobot.bot.desk import Desk, Request, about_session, choice
from samobot.bot.markup import bold, code, pre
from samobot.bot.needs import need_of
from samobot.bot.outbox import Attachment
from samobot.bot.phrases import Place, plural, zone_of
from samobot.bot.render import HEAVY, render
from samobot.bot.richtext import escape, utf16_units
from samobot.bot.split import MESSAGE_UNITS, split
from samobot.costs import add_up, collect, cost_lines, first_day
from samobot.errors import NotFoundError, SamobotError, UsageError
from samobot.project import Project, load_project
from samobot.session.snapshot import SessionState
from samobot.text import human_duration, human_money, human_size, nearest, one_line
from samobot.views import SessionRef, SessionView

_MOST = 30
_RESTING = 5
_LOG_LINES = 20
_LINE = 160
_SHORT_PLAN = 3_000
_COST_DAYS = 30

_LEVELS = {
    NotifyLevel.QUIET: "only what waits for you or is finished, without the rest",
    NotifyLevel.NORMAL: "what waits for you with a sound, phase changes without",
    NotifyLevel.ALL: "every change, also each iteration",
}


# The state of things --------------------------------------------------------------------------------------------


async def status(desk: Desk, request: Request) -> None:
    """`/status [name]`: all sessions, or one in detail."""
    if request.text.strip() or request.session is not None:
        target = await find_target(desk, request, "status", any_session)
        if target is not None:
            show_one(desk, request, target.view)
        return
    views = await desk.fleet.look()
    shown = [view for view in views if is_active(view) or need_of(view) is not None]
    resting = sorted((view for view in views if view not in shown), key=_updated, reverse=True)[:_RESTING]
    if not views:
        desk.reply(request, "Nothing here yet. /run starts a session.")
        return
    waiting = [view for view in shown if need_of(view) is not None]
    running = [view for view in shown if view.state is SessionState.RUNNING]
    head = f"{len(waiting)} wait{'s' if len(waiting) == 1 else ''} for you, {len(running)} running"
    ordered = sorted(shown, key=lambda view: (need_of(view) is None, view.state is not SessionState.RUNNING))
    called = dict(zip((view.ref.key for view in views), names(views), strict=True))
    lines = [bold(head), *(_line(desk, request, view, called[view.ref.key]) for view in ordered[:_MOST])]
    if len(ordered) > _MOST:
        lines.append(f"… and {len(ordered) - _MOST} more: /sessions")
    if resting and len(ordered) < _MOST:
        lines += ["", *(_line(desk, request, view, called[view.ref.key]) for view in resting)]
    buttons = rows(
        *(
            choice(
                f"{sign_of(view, need_of(view))} {called[view.ref.key]}",
                Action(do=ActionKind.STATUS, session=view.ref.key),
            )
            for view in ordered[:6]
        ),
        width=2,
    )
    desk.reply(request, "\n".join(lines), buttons=_many(buttons))


def show_one(desk: Desk, request: Request, view: SessionView) -> None:
    """Show one session in detail, with the buttons of its card."""
    shown = card(view, place_of(desk, request), desk.now())
    facts = [shown.text]
    if view.plan is not None:
        facts.append(f"Plan: {escape(one_line(view.plan.title, 80))} · {plural(view.plan.steps, 'step')}")
    if view.questions:
        facts.append(f"Questions: {len(view.questions)}, {len(view.open_questions)} open")
    if view.waited_s >= 60:
        facts.append(f"Waited for you: {human_duration(view.waited_s)}")
    desk.reply(request, "\n".join(facts), buttons=shown.buttons, about=about_session(view.ref, "status"))


def place_of(desk: Desk, request: Request) -> Place:
    """The chat that a request came from, as the words for it need to know it."""
    chat = desk.store.chats.get(request.chat_id)
    return Place(
        request.chat_id,
        request.thread_id,
        chat.level,
        zone_of(chat.timezone),
        alone=request.chat_id > 0 and len(desk.settings.allowed_users) < 2,
    )


async def sessions(desk: Desk, request: Request) -> None:
    """`/sessions [project]`: all there are."""
    wanted = request.text.strip().casefold()
    views = [view for view in await desk.fleet.look() if not wanted or view.ref.project.casefold() == wanted]
    if not views:
        where = f" in {escape(one_line(wanted, 60))}" if wanted else ""
        desk.reply(request, f"There is no session{where}. /run starts one.")
        return
    views.sort(key=_updated, reverse=True)
    several = len({view.ref.project for view in views}) > 1
    lines = []
    for view in views[:_MOST]:
        project = f"{view.ref.project}:" if several else ""
        phase = f" · {view.phase}" if view.phase and view.state is not SessionState.DONE else ""
        cost = f" · {human_money(view.cost_usd)}" if view.cost_usd else ""
        lines.append(
            f"{sign_of(view, need_of(view))} {code(f'{project}{view.ref.name}')} {view.state}{phase}{cost}"
        )
    if len(views) > _MOST:
        lines.append(f"… and {len(views) - _MOST} older ones")
    desk.reply(request, "\n".join([bold(plural(len(views), "session")), *lines]))


async def projects(desk: Desk, request: Request) -> None:
    """`/projects`: what is configured."""
    found = await desk.fleet.projects()
    if not found:
        desk.reply(
            request,
            f"No project is configured. Put the paths of .samocode files into {code('SAMOBOT_PROJECTS')}.",
        )
        return
    views = await desk.fleet.look()
    lines = []
    for project in found:
        own = [view for view in views if view.ref.project == project.name]
        going = sum(1 for view in own if is_active(view))
        lines.append(f"📂 {bold(project.name)} · {plural(len(own), 'session')}, {going} active")
        lines += [f"⚠️ {escape(one_line(problem, 300))}" for problem in project.problems]
    desk.reply(request, "\n".join(lines))


# Documents ------------------------------------------------------------------------------------------------------


async def plan(desk: Desk, request: Request) -> None:
    """`/plan [name]`."""
    target = await find_target(desk, request, "plan", lambda view: view.plan is not None)
    if target is not None:
        await show_plan(desk, request, target.view.ref)


async def show_plan(desk: Desk, request: Request, ref: SessionRef) -> None:
    """Show the plan: in the chat where it is short, always as a document."""
    document = await desk.fleet.plan_text(ref)
    view = await desk.fleet.view(ref)
    about = about_session(ref, "plan", **({"sha256": view.plan.sha256} if view.plan else {}))
    if len(document.text) <= _SHORT_PLAN:
        for number, piece in enumerate(await _rendered(document.text)):
            desk.reply(request, piece, about=about, part=f"plan{number}")
    title = view.plan.title if view.plan is not None else document.name
    desk.reply(
        request,
        f"📋 {bold(ref.name)} {escape(one_line(title, 200))}",
        about=about,
        part="plan-file",
        attachment=Attachment(document.name, document.text.encode("utf-8", "replace")),
    )


async def diff(desk: Desk, request: Request) -> None:
    """`/diff [name]`."""
    target = await find_target(desk, request, "diff", lambda view: view.iteration > 0)
    if target is not None:
        await show_diff(desk, request, target.view.ref)


async def show_diff(desk: Desk, request: Request, ref: SessionRef) -> None:
    """Show what a session has changed: the files in short, the diff as a document."""
    found = await desk.fleet.diff(ref)
    about = about_session(ref, "diff")
    if not found.files and not found.uncommitted:
        desk.reply(request, f"± {bold(ref.name)} has changed nothing yet.", about=about, part="diff")
        return
    head = (
        f"± {bold(ref.name)}{f' · {escape(found.branch)}' if found.branch else ''}\n"
        f"{plural(found.commits, 'commit')} · {plural(len(found.files), 'file')}, +{found.added} −{found.removed}"
    )
    lines = [
        f"+{each.added} −{each.removed}  {one_line(each.path, 70)}"
        if each.added is not None
        else f"binary  {one_line(each.path, 70)}"
        for each in found.files[:12]
    ]
    if len(found.files) > len(lines):
        lines.append(f"… and {len(found.files) - len(lines)} more")
    text = head + (f"\n{pre(chr(10).join(lines))}" if lines else "")
    if found.uncommitted:
        text += f"\n{plural(found.uncommitted, 'file')} not committed yet"
    desk.reply(request, text, about=about, part="diff")
    if found.text:
        desk.reply(
            request,
            f"± {bold(ref.name)}",
            about=about,
            part="diff-file",
            attachment=Attachment(f"{ref.name}.diff", found.text.encode("utf-8", "replace")),
        )


async def log(desk: Desk, request: Request) -> None:
    """`/log [name] [lines]`."""
    target = await find_target(desk, request, "log", lambda view: view.iteration > 0)
    if target is None:
        return
    word, _ = first_word(target.rest)
    await show_log(desk, request, target.view.ref, min(100, int(word)) if word.isdecimal() else _LOG_LINES)


async def show_log(desk: Desk, request: Request, ref: SessionRef, count: int = _LOG_LINES) -> None:
    """Show what the agent did last."""
    lines = await desk.fleet.log_lines(ref, max(count, 1))
    shown = [escape(one_line(line, _LINE)) for line in lines]
    text = "\n".join(shown) or "The agent has done nothing yet."
    desk.reply(request, f"📄 {bold(ref.name)}\n{text}", about=about_session(ref, "log"), part="log")


async def files(desk: Desk, request: Request) -> None:
    """`/files [name] [file]`: the artefacts, or one of them."""
    target = await find_target(desk, request, "files", any_session)
    if target is None:
        return
    wanted = target.rest.strip()
    if wanted:
        await send_file(desk, request, target.view.ref, wanted)
    else:
        await show_files(desk, request, target.view.ref)


async def show_files(desk: Desk, request: Request, ref: SessionRef) -> None:
    """List the artefacts, each with a button that sends it."""
    found = await desk.fleet.files(ref)
    if not found:
        raise NotFoundError(f"{ref.name} has no files yet.")
    buttons = rows(
        *(
            choice(
                f"{each.name} · {human_size(each.size)}",
                Action(do=ActionKind.FILES, session=ref.key, text=each.name),
            )
            for each in found[-40:]
        ),
        width=1,
    )
    desk.reply(
        request,
        f"📁 {bold(ref.name)} · {plural(len(found), 'file')}",
        buttons=_many(buttons),
        about=about_session(ref, "files"),
        part="files",
    )


async def send_file(desk: Desk, request: Request, ref: SessionRef, name: str) -> None:
    """Send one artefact."""
    listed = [each.name for each in await desk.fleet.files(ref)]
    if name not in listed:
        close = nearest(name, listed) or next(
            (each for each in listed if name.casefold() in each.casefold()), None
        )
        hint = f" Did you mean {close}?" if close else ""
        raise NotFoundError(f"{ref.name} has no file “{one_line(name, 80)}”.{hint}")
    data = await desk.fleet.file(ref, name)
    if not data:
        raise UsageError(f"{name} of {ref.name} is empty.")
    desk.reply(
        request,
        f"📁 {bold(ref.name)}",
        about=about_session(ref, "file"),
        part="file",
        attachment=Attachment(name, data),
    )


async def show_pr_text(desk: Desk, request: Request, ref: SessionRef) -> None:
    """Give the summary as a text to be pasted into a pull request."""
    document = await desk.fleet.summary_text(ref)
    view = await desk.fleet.view(ref)
    text = (document.text if document is not None else view.summary).strip()
    if not text:
        raise NotFoundError(f"{ref.name} has no summary.")
    about = about_session(ref, "pr")
    if utf16_units(text) < MESSAGE_UNITS - 200:
        desk.reply(request, pre(text, "markdown"), about=about, part="pr")
        return
    name = document.name if document is not None else f"{ref.name}.md"
    attachment = Attachment(name, text.encode("utf-8", "replace"))
    desk.reply(request, f"📋 {bold(ref.name)}", about=about, part="pr", attachment=attachment)


async def chart(desk: Desk, request: Request) -> None:
    """`/chart [name]`: the session's course as a picture."""
    target = await find_target(desk, request, "chart", lambda view: view.iteration > 0)
    if target is not None:
        await show_timeline(desk, request, target.view.ref)


async def show_timeline(desk: Desk, request: Request, ref: SessionRef) -> None:
    """Draw a session's course, in the background."""
    desk.later(request.saying(f"{ref.project}:{ref.folder}"), "chart", _timeline(desk, request, ref))


async def _timeline(desk: Desk, request: Request, ref: SessionRef) -> None:
    picture = await desk.fleet.timeline(ref, "dark")
    desk.reply(
        request,
        f"📈 {bold(ref.name)}",
        about=about_session(ref, "chart"),
        part="chart",
        attachment=Attachment(f"{ref.name}.png", picture, photo=True),
    )


# Money and preferences -------------------------------------------------------------------------------------------


async def cost(desk: Desk, request: Request) -> None:
    """`/cost [name]`: what it has cost, by session, phase, model and day."""
    if request.text.strip() or request.session is not None:
        target = await find_target(desk, request, "cost", any_session)
        if target is not None:
            _show_cost(desk, request, target.view)
        return
    since = first_day(desk.now(), _COST_DAYS)
    charges, problems = await asyncio.to_thread(collect, await asyncio.to_thread(_projects, desk), since)
    lines = cost_lines(add_up(charges, since=since))
    cap = desk.settings.samobot_daily_budget_usd
    tail = f"\nAll sessions together may cost {human_money(cap)} a day." if cap else ""
    trouble = "".join(f"\n⚠️ {escape(one_line(each, 200))}" for each in problems[:2])
    desk.reply(request, f"💰\n{pre(chr(10).join(lines))}{tail}{trouble}")


def _show_cost(desk: Desk, request: Request, view: SessionView) -> None:
    of = f" of {human_money(view.budget_usd)}" if view.budget_usd else ""
    lines = [f"{phase:<16}{human_money(usd):>10}" for phase, usd in view.cost_by_phase.items()]
    lines += [f"{one_line(model, 24):<16}{human_money(usd):>10}" for model, usd in view.cost_by_model.items()]
    count = plural(sum(view.iterations_by_phase.values()), "iteration")
    table = f"\n{pre(chr(10).join(lines))}" if lines else ""
    desk.reply(
        request,
        f"💰 {bold(view.ref.name)} {human_money(view.cost_usd)}{of} · {count}{table}",
        about=about_session(view.ref, "cost"),
    )


def _projects(desk: Desk) -> list[Project]:
    found = []
    for path in desk.settings.samobot_projects:
        try:
            found.append(load_project(path))
        except SamobotError:
            continue  # /projects says what is wrong with it
    return found


async def notify(desk: Desk, request: Request) -> None:
    """`/notify quiet|normal|all`."""
    word = request.text.strip().casefold()
    chat = desk.store.chats.get(request.chat_id)
    if word in set(NotifyLevel):
        desk.store.chats.put(replace(chat, level=NotifyLevel(word)))
        desk.receipt(request, "👍", f"From now on: {word}.")
        return
    if word:
        close = nearest(word, list(NotifyLevel))
        hint = f" Did you mean {close}?" if close else ""
        raise UsageError(f"There is no “{one_line(word, 40)}”; it is quiet, normal or all.{hint}")
    lines = [
        f"{'●' if level is chat.level else '○'} {bold(level)}  {words}" for level, words in _LEVELS.items()
    ]
    buttons = rows(
        *(
            choice(level.capitalize(), Action(do=ActionKind.RUN_STALE, command="notify", text=level))
            for level in NotifyLevel
        )
    )
    desk.reply(request, "\n".join(["What comes to this chat", *lines]), buttons=buttons)


# Behind them ------------------------------------------------------------------------------------------------------


def _line(desk: Desk, request: Request, view: SessionView, name: str) -> str:
    need = need_of(view)
    words = [doing(view, need, place_of(desk, request), desk.now())]
    if view.state is SessionState.RUNNING and view.phase is not None:
        words = [f"{view.phase}, iteration {view.iteration}"]
    if view.cost_usd:
        words.append(human_money(view.cost_usd))
    return f"{sign_of(view, need)} {bold(name)}  {escape(' · '.join(words))}"


async def _rendered(markdown: str) -> tuple[str, ...]:
    if len(markdown) > HEAVY:
        return split(await asyncio.to_thread(render, markdown))
    return split(render(markdown))


def _many(buttons: Rows) -> Rows:
    """Buttons that may be tapped again and again."""
    return tuple(tuple(replace(button, once=False) for button in row) for row in buttons)


def _updated(view: SessionView) -> timedelta:
    if view.updated is None:
        return timedelta(0)
    return timedelta(seconds=view.updated.timestamp())
