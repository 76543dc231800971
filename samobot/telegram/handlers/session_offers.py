"""New sessions on offer: which project, which name, and whether an existing session is meant instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from samobot.errors import UsageError
from samobot.fleet.models import SessionRef, SessionView
from samobot.session.folder import clean_name
from samobot.session.status import SessionState
from samobot.telegram.handlers.chat_request import ChatRequest, first_word
from samobot.telegram.handlers.context import HandlerContext, about_session, choice
from samobot.telegram.handlers.follow_up_handlers import follow_up_choice
from samobot.telegram.handlers.host_handlers import project_labels
from samobot.telegram.handlers.resolve import find_archived
from samobot.telegram.handlers.run_arguments import CONFIGURED, Flag, RunArguments, parse_run, split_task
from samobot.telegram.handlers.task_slug import task_slug
from samobot.telegram.markup.html import bold
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import ActionButton, rows
from samobot.telegram.views.wording import Icon, bold_name, name_of
from samobot.text import nearest, one_line

_CHOICES = 20
_READY = (False, False)


async def resolve_arguments(context: HandlerContext, words: RunArguments) -> RunArguments:
    """Decide whether what stands before a colon is a project, a name, or the beginning of the task."""
    known = {each.name.casefold(): each.name for each in await context.fleet.projects()}
    if words.project is not None:
        if words.project.casefold() in known or nearest(words.project, list(known)) is not None:
            return words if _is_name(words.name) else _all_task(words)
        return _all_task(words)
    if words.name is not None and words.name.casefold() in known and words.text.startswith(f"{words.name}:"):
        _, name, task = split_task(words.task or "")
        return replace(words, project=known[words.name.casefold()], name=name, task=task or None)
    return words if words.name is None or _is_name(words.name) else _all_task(words)


def _all_task(words: RunArguments) -> RunArguments:
    return replace(words, project=None, name=None, task=words.text or words.task)


def _is_name(text: str | None) -> bool:
    try:
        return text is not None and bool(clean_name(text))
    except UsageError:
        return False


async def new_session_buttons(context: HandlerContext, request: ChatRequest) -> list[ActionButton]:
    """Buttons that start a session with a plain text as its task: one tap if the project is known."""
    known = [each.name for each in await context.fleet.projects()]
    project = likely_project(context, request, known)
    if not known:
        return []
    begin = Action(do=ActionKind.PICK_PROJECT, project=project, command="run", text=request.text)
    if project is None or not request.text.strip():
        return [choice("▶️ New session", begin)]
    rename = Action(do=ActionKind.PICK_PROJECT, project=project, command="rename", text=request.text)
    if len(known) == 1:
        return [choice("▶️ New session", begin), choice("✏️ Rename", rename)]
    other = Action(do=ActionKind.PICK_PROJECT, command="other", text=request.text)
    return [
        choice(f"▶️ Start in {project}", begin),
        choice("Other project", other),
        choice("✏️ Rename", rename),
    ]


async def new_session_name(context: HandlerContext, request: ChatRequest) -> str:
    """Name that a session with a plain text as its task would get."""
    try:
        words = await resolve_arguments(context, parse_run(request.text))
    except UsageError:
        words = RunArguments(task=request.text)
    if words.name is not None:
        return words.name
    name = task_slug(words.task or request.text)
    project = likely_project(context, request, [each.name for each in await context.fleet.projects()])
    return await context.fleet.free_name(project, name) if project is not None else name


async def choose_project(context: HandlerContext, request: ChatRequest, text: str) -> None:
    """Ask which project a run is for; the one that was used last in the chat is first."""
    known = [each.name for each in await context.fleet.projects()]
    await ask_project(context, request, known, text)


def likely_project(context: HandlerContext, request: ChatRequest, known: Sequence[str]) -> str | None:
    """The only project, or the one that was used last in this chat."""
    last = context.store.chat_projects.get(request.chat_id, request.thread_id)
    return known[0] if len(known) == 1 else last if last in known else None


async def offer_existing(context: HandlerContext, request: ChatRequest, words: RunArguments) -> bool:
    """If a task begins with the name of a session, ask whether it is meant for that one."""
    word, rest = first_word(words.task or "")
    found = await context.fleet.find(word) if rest and _is_name(word) else []
    if len(found) != 1:
        return False
    ref = found[0]
    new = Action(do=ActionKind.PICK_PROJECT, project=ref.project, command="run", text=request.text)
    if (await context.fleet.view(ref)).state is SessionState.DONE:
        context.reply(
            request,
            f"{Icon.DONE} {name_of(ref)} is done. What is “{escape(one_line(request.text, 100))}” for?",
            buttons=rows(
                follow_up_choice(ref, rest, questions=words.questions),
                choice("▶️ New session", new),
                choice("Cancel", Action(do=ActionKind.CANCEL)),
                width=1,
            ),
            about=about_session(ref),
            part="existing",
        )
        return True
    on = Action(
        do=ActionKind.PICK_PROJECT,
        project=ref.project,
        command="run",
        text=f"{ref.project}:{ref.name} {rest} {flags_of(words)}".strip(),
    )
    context.reply(
        request,
        f"{name_of(ref)} is a session already. What is “{escape(one_line(request.text, 100))}” for?",
        buttons=rows(
            choice(f"▶️ Continue {ref.name}", on),
            choice("▶️ New session", new),
            choice("Cancel", Action(do=ActionKind.CANCEL)),
            width=1,
        ),
        about=about_session(ref),
        part="existing",
    )
    return True


async def offer_fresh(
    context: HandlerContext, request: ChatRequest, project: str, words: RunArguments
) -> bool:
    """If an archived session or a branch with commits of its own has the name, ask: neither is taken silently."""
    name = words.name or ""
    free = await context.fleet.free_name(project, name)
    if free == name:
        return False
    has_task = bool(words.task or words.dive)
    archived = await find_archived(context, f"{project}:{name}")
    if archived is not None:
        said = f"An archived session is called {bold_name(name)} already."
    else:
        said = f"There is a branch {bold(name)} already, with commits of its own."
    again = _run_text(replace(words, project=project))
    fresh = _run_text(replace(words, project=project, name=free))
    old = Action(
        do=ActionKind.PICK_PROJECT,
        project=project,
        command="continue" if archived is not None else "branch",
        text=again,
    )
    new = Action(
        do=ActionKind.PICK_PROJECT, project=project, command="run" if has_task else "task", text=fresh
    )
    context.reply(
        request,
        said,
        buttons=rows(
            choice(f"▶️ Continue {name}", old),
            choice(f"▶️ New: {free}", new),
            choice("Cancel", Action(do=ActionKind.CANCEL)),
            width=1,
        ),
        part="used",
    )
    return True


async def sessions_named(context: HandlerContext, project: str, name: str) -> list[SessionRef]:
    """The sessions of a project that have a name: one or none."""
    return [ref for ref in await context.fleet.find(name) if ref.project == project]


async def offer_next(
    context: HandlerContext, request: ChatRequest, view: SessionView, words: RunArguments
) -> None:
    """Reply that a session is done, and offer a new one, with the task that was given, if any."""
    ref = view.ref
    name = await context.fleet.free_name(ref.project, ref.name)
    new = replace(words, project=ref.project, name=name, questions=True)
    again = as_text(new)
    command = "run" if again and (words.task or words.dive) else "task"
    text = again if command == "run" else f"{ref.project}:{name} {flags_of(words)}".strip()
    start = Action(do=ActionKind.PICK_PROJECT, project=ref.project, command=command, text=text)
    context.reply(
        request,
        f"{Icon.DONE} {name_of(ref)} is done. Follow up on its branch, or start a new session?",
        buttons=rows(
            follow_up_choice(ref, words.task or "", questions=words.questions),
            choice(f"▶️ New: {name}", start),
            width=1,
        ),
        about=about_session(ref),
        part="next",
    )


def as_text(words: RunArguments) -> str | None:
    """A run as one line that parses to the same; None if its texts cannot be quoted."""
    dive = f'--{Flag.DIVE} "{words.dive}"' if words.dive else ""
    task = f'--{Flag.TASK} "{words.task}"' if words.task else ""
    parts = (f"{words.project}:{words.name}", flags_of(words), dive, task)
    text = " ".join(part for part in parts if part)
    try:
        return text if parse_run(text) == words else None
    except UsageError:
        return None


def _run_text(words: RunArguments) -> str:
    """A run as one line; texts that cannot be quoted come last, as they are."""
    return as_text(words) or f"{words.project}:{words.name} {words.task or ''} {flags_of(words)}".strip()


def flags_of(words: RunArguments) -> str:
    """The flags of a run that still lacks its task, to be repeated with it."""
    budget = f"--{Flag.BUDGET} {words.budget_usd:.4f}" if words.budget_usd is not None else ""
    base = f"--{Flag.FROM} {words.base}" if words.base is not None else ""
    auto = f"--{Flag.AUTO}" if words.auto else ""
    profile = f"--{Flag.PROFILE} {words.profile or CONFIGURED}" if words.profile is not None else ""
    provider = f"--{Flag.PROVIDER} {words.provider or CONFIGURED}" if words.provider is not None else ""
    return " ".join(part for part in (budget, base, profile, provider, auto) if part)


async def offer_nearest(
    context: HandlerContext, request: ChatRequest, project: str, name: str, flags: str
) -> bool:
    """If a new name without a task is nearly that of a session, ask which is meant."""
    close = await context.fleet.nearest(name)
    found = await sessions_named(context, project, close) if close else []
    if not found or close is None:
        return False
    on = Action(do=ActionKind.RESUME, session=found[0].key)
    if flags:
        on = Action(
            do=ActionKind.PICK_PROJECT, project=project, command="run", text=f"{found[0].folder} {flags}"
        )
    again = f"{project}:{name} {flags}".strip()
    context.reply(
        request,
        f"There is no session {bold_name(name)} yet. Did you mean {bold_name(close)}?",
        buttons=rows(
            choice(f"▶️ Continue {close}", on),
            choice(
                f"New: {name}",
                Action(do=ActionKind.PICK_PROJECT, project=project, command="task", text=again),
            ),
            width=1,
        ),
        part="nearest",
    )
    return True


async def ask_project(context: HandlerContext, request: ChatRequest, known: Sequence[str], text: str) -> None:
    """Ask which of some projects a run is for: first those whose machine can be reached and has room."""
    projects = {each.name: each for each in await context.fleet.projects()}
    late = {each.name: (each.is_away, each.is_full) for each in projects.values()}
    likely = likely_project(context, request, known)
    ordered = sorted(known, key=lambda each: (late.get(each, _READY), each != likely))[:_CHOICES]
    labels = project_labels(projects.values())
    keys = []
    for each in ordered:
        label = labels.get(each, each)
        if late.get(each, _READY) != _READY:
            label = f"{Icon.AWAY if projects[each].is_away else Icon.QUEUED} {label}"
        elif each == likely:
            label = f"▶️ Start in {label}"
        keys.append(choice(label, Action(do=ActionKind.PICK_PROJECT, project=each, command="run", text=text)))
    cancel = choice("Cancel", Action(do=ActionKind.CANCEL))
    context.reply(request, "Which project?", buttons=rows(*keys, cancel, width=1), part="project")
