"""A session's documents in the chat: plan, diff, log, files, the text for a pull request, the picture of its course."""

from __future__ import annotations

import asyncio

from samobot.errors import NotFoundError, UsageError
from samobot.fleet.models import SessionRef
from samobot.telegram.handlers.context import Desk, Request, about_session
from samobot.telegram.handlers.parsing import first_word
from samobot.telegram.handlers.resolve import any_session, find_target
from samobot.telegram.markup.html import bold, pre
from samobot.telegram.markup.markdown import HEAVY, render
from samobot.telegram.markup.rich_text import escape, utf16_units
from samobot.telegram.markup.split import MESSAGE_UNITS, split
from samobot.telegram.outbound.outbox import Attachment
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, file_label, rows
from samobot.telegram.views.plain_lines import of_flattened
from samobot.telegram.views.wording import Icon, agent_line, plural
from samobot.text import human_size, nearest, one_line

_LOG_LINES = 20
_LINE = 160
_SHORT_PLAN = 3_000


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
        f"📋 {bold(ref.name)} · {escape(one_line(title, 200))}",
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
    branch = f" · {escape(found.branch)}" if found.branch not in (None, "", ref.name) else ""
    head = (
        f"± {bold(ref.name)}{branch}\n"
        f"{plural(found.commits, 'commit')} · {plural(len(found.files), 'file')}, +{found.added:,} −{found.removed:,}"
    )
    counts = [
        f"+{each.added:,} −{each.removed or 0:,}" if each.added is not None else "binary"
        for each in found.files[:12]
    ]
    width = max(map(len, counts), default=0)
    lines = [
        f"{count:>{width}}  {one_line(each.path, 70)}"
        for count, each in zip(counts, found.files, strict=False)
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
    target = await find_target(
        desk, request, "log", lambda view: view.iteration > 0, takes=lambda text: text.strip().isdecimal()
    )
    if target is None:
        return
    word, _ = first_word(target.rest)
    await show_log(desk, request, target.view.ref, min(100, int(word)) if word.isdecimal() else _LOG_LINES)


async def show_log(desk: Desk, request: Request, ref: SessionRef, count: int = _LOG_LINES) -> None:
    """Show what the agent did last."""
    lines = await desk.fleet.log_lines(ref, max(count, 1))
    # Its words are Markdown; paths, patterns and commands are not.
    shown = [
        _spoken(line) if line.startswith(Icon.GUIDANCE) else escape(one_line(line, _LINE)) for line in lines
    ]
    text = "\n".join(shown) or "The agent has done nothing yet."
    desk.reply(request, f"📄 {bold(ref.name)}\n{text}", about=about_session(ref, "log"), part="log")


async def files(desk: Desk, request: Request) -> None:
    """`/files [name] [file]`: the artefacts, or one of them."""
    target = await find_target(desk, request, "files", any_session, takes=lambda _: True)
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
            ActionButton(
                file_label(each.name, human_size(each.size)),
                Action(do=ActionKind.FILES, session=ref.key, text=each.name),
            )
            for each in found[-40:]
        ),
        width=1,
    )
    desk.reply(
        request,
        f"📁 {bold(ref.name)} · {plural(len(found), 'file')}",
        buttons=buttons,
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


def _spoken(line: str) -> str:
    """A line of the log with what the agent said, whose own lines were joined into one."""
    said = of_flattened(line.removeprefix(Icon.GUIDANCE))
    return f"{Icon.GUIDANCE} {agent_line(said, _LINE - 2)}"


async def _rendered(markdown: str) -> tuple[str, ...]:
    if len(markdown) > HEAVY:
        return split(await asyncio.to_thread(render, markdown))
    return split(render(markdown))
