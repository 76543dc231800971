"""A session's documents in the chat: plan, diff, log, files, the text for a pull request, the picture of its course."""

from __future__ import annotations

import asyncio
import hashlib

from samobot.errors import NotFoundError, UsageError
from samobot.fleet.models import SessionRef
from samobot.telegram.handlers.chat_request import ChatRequest, first_word
from samobot.telegram.handlers.context import HandlerContext, about_session
from samobot.telegram.handlers.resolve import any_session, find_target, view_or_archived
from samobot.telegram.markup.disguise import plain_undisguised
from samobot.telegram.markup.html import bold, pre
from samobot.telegram.markup.markdown import HEAVY
from samobot.telegram.markup.rich_text import escape, utf16_units
from samobot.telegram.markup.split import MESSAGE_UNITS, split
from samobot.telegram.outbound.post_content import Attachment
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, file_label, rows
from samobot.telegram.views.completion import review_attachment
from samobot.telegram.views.lessons_message import lessons_message
from samobot.telegram.views.plain_lines import of_flattened
from samobot.telegram.views.wording import Icon, agent_line, agent_plain, agent_rich, name_of, quoted_lines
from samobot.text import human_size, nearest, one_line, plural

_LOG_LINES = 20
_LINE = 160
_SHORT_PLAN = 3_000

_QUICK_BYTES = 1_000_000
"""A larger file is not sent within the handling of its update."""


async def plan(context: HandlerContext, request: ChatRequest) -> None:
    """`/plan [name]`."""
    target = await find_target(context, request, "plan", lambda view: view.plan is not None, reads=True)
    if target is not None:
        await show_plan(context, request, target.view.ref)


async def show_plan(context: HandlerContext, request: ChatRequest, ref: SessionRef) -> None:
    """Show the plan: in the chat if it is short, always as a document."""
    document = await context.fleet.plan_text(ref)
    view = await view_or_archived(context, ref)
    about = about_session(ref, "plan", **({"sha256": view.plan.sha256} if view.plan else {}))
    if len(document.text) <= _SHORT_PLAN:
        for number, piece in enumerate(await _rendered(document.text)):
            context.reply(request, piece, about=about, part=f"plan{number}")
    title = view.plan.title if view.plan is not None else document.name
    context.reply(
        request,
        f"📋 {name_of(ref)} · {agent_line(title, 200)}",
        about=about,
        part="plan-file",
        attachment=Attachment(document.name, document.text.encode("utf-8", "replace")),
    )


async def diff(context: HandlerContext, request: ChatRequest) -> None:
    """`/diff [name]`."""
    target = await find_target(context, request, "diff", lambda view: view.iteration > 0, reads=True)
    if target is not None:
        await show_diff(context, request, target.view.ref)


async def show_diff(context: HandlerContext, request: ChatRequest, ref: SessionRef) -> None:
    """Show what a session has changed: the files in short, the diff as a document."""
    found = await context.fleet.diff(ref)
    about = about_session(ref, "diff")
    if not found.files and not found.uncommitted:
        context.reply(request, f"± {name_of(ref)} has changed nothing yet.", about=about, part="diff")
        return
    branch = f" · {escape(agent_plain(found.branch, 80))}" if found.branch not in (None, "", ref.name) else ""
    head = (
        f"± {name_of(ref)}{branch}\n"
        f"{plural(found.commits, 'commit')} · {plural(len(found.files), 'file')}, +{found.added:,} −{found.removed:,}"
    )
    counts = [
        f"+{each.added:,} −{each.removed or 0:,}" if each.added is not None else "binary"
        for each in found.files[:12]
    ]
    width = max(map(len, counts), default=0)
    lines = [
        f"{count:>{width}}  {agent_plain(each.path, 70)}"
        for count, each in zip(counts, found.files, strict=False)
    ]
    if len(found.files) > len(lines):
        lines.append(f"… and {len(found.files) - len(lines)} more")
    text = head + (f"\n{pre(chr(10).join(lines))}" if lines else "")
    if found.uncommitted:
        text += f"\n{plural(found.uncommitted, 'file')} not committed yet"
    context.reply(request, text, about=about, part="diff")
    if found.text:
        context.reply(
            request,
            f"± {name_of(ref)}",
            about=about,
            part="diff-file",
            attachment=Attachment(f"{ref.name}.diff", found.text.encode("utf-8", "replace")),
        )


async def review(context: HandlerContext, request: ChatRequest) -> None:
    """`/review [name]`: the review guide as a document."""
    target = await find_target(context, request, "review", lambda view: view.iteration > 0, reads=True)
    if target is None:
        return
    ref = target.view.ref
    facts = await context.fleet.review(ref)
    from samobot.review.page import review_page  # takes memory

    page = await asyncio.to_thread(lambda: review_page(facts.masked(context.outbox.secrets.mask_json)))
    context.reply(
        request,
        f"{name_of(ref)} · review guide",
        about=about_session(ref, "review"),
        part="review",
        attachment=review_attachment(ref.name, page),
    )


async def learn(context: HandlerContext, request: ChatRequest) -> None:
    """`/learn [name]`: what a session learned about its project, to be kept for later sessions."""
    target = await find_target(context, request, "learn", lambda view: view.iteration > 0, reads=True)
    if target is None:
        return
    ref = target.view.ref
    lessons = await context.fleet.lessons(ref)
    if not lessons.new:
        raise NotFoundError(f"{ref.name} has noted nothing that {ref.project} does not know yet.")
    shown = lessons_message(ref, lessons)
    context.reply(
        request, shown.text, buttons=shown.buttons, about=about_session(ref, "lessons"), part="lessons"
    )


async def keep_lessons(context: HandlerContext, request: ChatRequest, ref: SessionRef, expected: str) -> None:
    """Add the lessons that were shown to the session's project."""
    kept = await context.fleet.keep_lessons(ref, request.person, expected=expected)
    context.toast(request, f"{ref.project} has {plural(len(kept), 'new lesson')}.")


async def log(context: HandlerContext, request: ChatRequest) -> None:
    """`/log [name] [lines]`."""
    target = await find_target(
        context,
        request,
        "log",
        lambda view: view.iteration > 0,
        takes=lambda text: text.strip().isdecimal(),
        reads=True,
    )
    if target is None:
        return
    word, _ = first_word(target.rest)
    await show_log(context, request, target.view.ref, min(100, int(word)) if word.isdecimal() else _LOG_LINES)


async def show_log(
    context: HandlerContext, request: ChatRequest, ref: SessionRef, count: int = _LOG_LINES
) -> None:
    """Show what the agent did last."""
    lines = await context.fleet.log_lines(ref, max(count, 1))
    # Its prose is Markdown; paths, patterns and commands are not.
    shown = [
        _spoken(line) if line.startswith(Icon.GUIDANCE) else escape(plain_undisguised(one_line(line, _LINE)))
        for line in lines
    ]
    text = quoted_lines(*shown) or "The agent has done nothing yet."
    context.reply(request, f"📄 {name_of(ref)}\n{text}", about=about_session(ref, "log"), part="log")


async def files(context: HandlerContext, request: ChatRequest) -> None:
    """`/files [name] [file]`: the artefacts, or one of them."""
    target = await find_target(context, request, "files", any_session, takes=lambda _: True, reads=True)
    if target is None:
        return
    wanted = target.rest.strip()
    if wanted:
        await send_file(context, request, target.view.ref, wanted)
    else:
        await show_files(context, request, target.view.ref)


async def show_files(context: HandlerContext, request: ChatRequest, ref: SessionRef) -> None:
    """List the artefacts, each with a button that sends it."""
    found = await context.fleet.files(ref)
    if not found:
        raise NotFoundError(f"{ref.name} has no files yet.")
    buttons = rows(
        *(
            ActionButton(
                file_label(each.name, human_size(each.size)),
                Action(do=ActionKind.FILES, session=ref.key, text=each.name),
            )
            for each in found[-40:]
        ),
        width=1,
    )
    context.reply(
        request,
        f"📁 {name_of(ref)} · {plural(len(found), 'file')}",
        buttons=buttons,
        about=about_session(ref, "files"),
        part="files",
    )


async def send_file(
    context: HandlerContext, request: ChatRequest, ref: SessionRef, name: str, confirmed: str | None = None
) -> None:
    """Send one artefact; one that contains secrets only after the user has asked for it again.

    A large one is fetched and checked in the background: on another machine that may take longer than an update may.

    Args:
        context: What handlers have.
        request: What asked for it.
        ref: The session.
        name: The file's name.
        confirmed: Digest of the content that the user wants in spite of its secrets.
    """
    sizes = {each.name: each.size for each in await context.fleet.files(ref)}
    if name not in sizes:
        close = nearest(name, list(sizes)) or next(
            (each for each in sizes if name.casefold() in each.casefold()), None
        )
        hint = f" Did you mean {agent_plain(close, 80)}?" if close else ""
        raise NotFoundError(f"{ref.name} has no file “{one_line(name, 80)}”.{hint}")
    sending = _send_file(context, request, ref, name, confirmed)
    if sizes[name] <= _QUICK_BYTES:
        await sending
        return
    context.toast(request, "One moment…")
    again = request.with_text(f"{ref.project}:{ref.folder} {name}")
    context.background.run(again, "files", sending)


async def _send_file(
    context: HandlerContext, request: ChatRequest, ref: SessionRef, name: str, confirmed: str | None
) -> None:
    data = await context.fleet.file(ref, name)
    if not data:
        raise UsageError(f"{agent_plain(name, 80)} of {ref.name} is empty.")
    secrets = await asyncio.to_thread(context.outbox.secrets.names_in, data)
    digest = hashlib.sha256(data).hexdigest()
    if secrets and digest != confirmed:
        action = Action(do=ActionKind.FILES, session=ref.key, text=name, identity=digest)
        context.reply(
            request,
            f"🔒 {bold(agent_plain(name, 80))} is held back, it contains: {escape(', '.join(secrets))}.",
            buttons=((ActionButton("Send anyway", action, once=True),),),
            about=about_session(ref, "file"),
            part="held",
        )
        return
    context.reply(
        request,
        f"📁 {name_of(ref)}",
        about=about_session(ref, "file"),
        part="file",
        attachment=Attachment(name, data, is_checked=True),
    )


async def show_pr_text(context: HandlerContext, request: ChatRequest, ref: SessionRef) -> None:
    """Give the summary as a text to be pasted into a pull request."""
    document = await context.fleet.summary_text(ref)
    view = await view_or_archived(context, ref)
    text = (document.text if document is not None else view.summary).strip()
    if not text:
        raise NotFoundError(f"{ref.name} has no summary.")
    about = about_session(ref, "pr")
    if utf16_units(text) < MESSAGE_UNITS - 200:
        context.reply(request, pre(text, "markdown"), about=about, part="pr")
        return
    name = document.name if document is not None else f"{ref.name}.md"
    attachment = Attachment(name, text.encode("utf-8", "replace"))
    context.reply(request, f"📋 {name_of(ref)}", about=about, part="pr", attachment=attachment)


async def chart(context: HandlerContext, request: ChatRequest) -> None:
    """`/chart [name]`: the session's course as a picture."""
    target = await find_target(context, request, "chart", lambda view: view.iteration > 0, reads=True)
    if target is not None:
        await show_timeline(context, request, target.view.ref)


async def show_timeline(context: HandlerContext, request: ChatRequest, ref: SessionRef) -> None:
    """Draw a session's course, in the background."""
    context.background.run(
        request.with_text(f"{ref.project}:{ref.folder}"), "chart", _timeline(context, request, ref)
    )


async def _timeline(context: HandlerContext, request: ChatRequest, ref: SessionRef) -> None:
    picture = await context.fleet.timeline(ref, "dark")
    context.reply(
        request,
        f"📈 {name_of(ref)}",
        about=about_session(ref, "chart"),
        part="chart",
        attachment=Attachment(f"{ref.name}.png", picture, photo=True),
    )


def _spoken(line: str) -> str:
    """A line of the log with what the agent said, whose own lines were joined into one."""
    said = of_flattened(line.removeprefix(Icon.GUIDANCE))
    return f"{Icon.GUIDANCE} {agent_line(said, _LINE - 2)}"


async def _rendered(markdown: str) -> tuple[str, ...]:
    if len(markdown) > HEAVY:
        return split((await asyncio.to_thread(agent_rich, markdown)).quoted())
    return split(agent_rich(markdown).quoted())
