"""Which session is meant: the named one, else the one replied to, else the only one in question, else a choice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from samobot.errors import NotFoundError, SamobotError
from samobot.fleet.models import SessionRef, SessionView
from samobot.frozen import frozen
from samobot.session.status import SessionState
from samobot.telegram.handlers.chat_request import ChatRequest, first_word
from samobot.telegram.handlers.context import HandlerContext, choice
from samobot.telegram.handlers.recent_sessions import newest, recent_sessions
from samobot.telegram.markup.rich_text import escape
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.buttons import restore_button, rows
from samobot.telegram.views.card import sign_of
from samobot.telegram.views.pending import need_of
from samobot.telegram.views.wording import Icon, bold_name, name_of, project_of
from samobot.text import nearest, one_line

MAX_CHOICES = 10
_MOST_WHOLE = 3
_NEAR = 0.75
_QUOTES = "\"'`*«»“”„‘’‚‹›()[]<>"
_FILLER = re.compile(
    "(?:the|this|that|my|session|task|run|agent|please|pls|plz|thanks|now|immediately|it|yes|ok|okay|lgtm|bitte|jetzt)"
)

Fits = Callable[[SessionView], bool]
"""Whether a command could be about a session."""

_OVER = frozenset({SessionState.DONE, SessionState.STOPPED, SessionState.IDLE})


@frozen
class Target:
    """The session that is meant, and the text behind its name.

    Attributes:
        view: The session.
        rest: The text, verbatim.
    """

    view: SessionView
    rest: str


def _takes_nothing(_: str) -> bool:
    return False


def is_active(view: SessionView) -> bool:
    """Whether a session is active: it runs, will run, or waits for the user."""
    return view.wanted or view.state not in _OVER


def any_session(_: SessionView) -> bool:
    """Every session will do."""
    return True


def likely_sessions(views: Sequence[SessionView], fits: Fits) -> list[SessionView]:
    """The sessions that could be meant if none is named; one: it is that one. Pure.

    Active sessions that fit the command come first, then others that fit, then any active one.

    Args:
        views: All sessions.
        fits: Whether the command could be about one.
    """
    fitting = [view for view in views if fits(view)]
    active = [view for view in fitting if is_active(view)]
    found = active or fitting or [view for view in views if is_active(view)]
    return newest(found)


def display_names(views: Sequence[SessionView], among: Sequence[SessionView] | None = None) -> list[str]:
    """Shortest unambiguous names: `name`, `project:name`, or with the folder's date.

    Args:
        views: The sessions to name.
        among: All that they must not be taken for; None is no others.
    """
    everything = views if among is None else among
    wanted = {view.ref.name for view in views}
    alike = [view for view in everything if view.ref.name in wanted]
    counted = Counter(view.ref.name for view in alike)
    shared = {name for name in wanted if counted[name] > 1}
    longer = Counter(_long_name(view) for view in alike if view.ref.name in shared)
    return [
        view.ref.name
        if view.ref.name not in shared
        else view.ref.key
        if longer[_long_name(view)] > 1
        else _long_name(view)
        for view in views
    ]


def _long_name(view: SessionView) -> str:
    return f"{project_of(view)}:{view.ref.name}"


async def find_target(
    context: HandlerContext,
    request: ChatRequest,
    command: str,
    fits: Fits,
    *,
    words: bool = False,
    takes: Callable[[str], bool] = _takes_nothing,
    reads: bool = False,
    question: str = "Which session?",
    none: str = "There is no session for that. /run starts one, /sessions lists all.",
) -> Target | None:
    """Find the session that a command is about; if it is unclear, ask the user.

    Args:
        context: What handlers share.
        request: The command, with its arguments.
        command: Its name; it continues once a session was chosen.
        fits: Whether it could be about a session.
        words: Whether a text follows the name. A reply then keeps all of it.
        takes: Whether a text may be what follows the name if the name was left out.
        reads: Whether the command only reads, so that an archived session will do.
        question: What the user is asked.
        none: The error if there is none.

    Raises:
        NotFoundError: There is no session that it could be about.
    """
    if request.session is not None and (words or not request.text.strip()):
        view = await view_or_archived(context, SessionRef.from_key(request.session))
        if not view.archived or reads:
            return Target(view, request.text)
        offer_restoring(context, request, view.ref)
        return None
    word, rest = first_word(request.text)
    named = await _find(context, word)
    if word and not named and not words:
        request = request.with_text(_without_fillers(request.text))
        word, rest = first_word(request.text)
        named = await _find(context, word)
    if len(named) == 1:
        return Target(await context.fleet.view(named[0]), rest)
    if named:
        views = [await context.fleet.view(ref) for ref in named]
        fitting = [view for view in views if fits(view)] or views
        if len(fitting) == 1:
            return Target(fitting[0], rest)
        _choose(context, request.with_text(rest), command, fitting, question)
        return None
    archived = await find_archived(context, word) if word and not words else None
    if archived is not None and reads:
        return Target(await context.fleet.archived_view(archived), rest)
    if archived is not None:
        offer_restoring(context, request, archived)
        return None
    if words and await _offer_nearest(context, request, command, fits, word, rest):
        return None
    is_rest = words or (takes(request.text) and await context.fleet.nearest(word) is None)
    if word and (not is_rest or (words and ":" in word and not rest)):
        await _not_found(context, request, command, word)
        return None
    if request.session is not None:
        return Target(await view_or_archived(context, SessionRef.from_key(request.session)), request.text)
    found = likely_sessions(await _candidates(context, fits), fits)
    if len(found) == 1:
        return Target(found[0], request.text)
    if not found:
        raise NotFoundError(none)
    _choose(context, request, command, found, question)
    return None


async def _candidates(context: HandlerContext, fits: Fits) -> list[SessionView]:
    """The sessions to choose from; past ones only if no active one fits."""
    views = await context.fleet.sessions()
    if any(fits(view) and is_active(view) for view in views):
        return views
    return await recent_sessions(context)


def _without_fillers(text: str) -> str:
    """Return a text without the courtesies and emoji around a name: `the demo session, please 🙏`."""
    found = [
        word
        for word in text.split()
        if any(map(str.isalnum, word)) and not _FILLER.fullmatch(word.strip(f"{_QUOTES}.,!?").casefold())
    ]
    return " ".join(found)


async def _find(context: HandlerContext, word: str) -> list[SessionRef]:
    if not word or len(word) > 130 or "/" in word:
        return []
    bare = word.strip(_QUOTES).rstrip(".,:;!?…，。！？：；、").strip(_QUOTES)
    try:
        found = await context.fleet.find(word)
        return found if found or bare == word else await context.fleet.find(bare)
    except SamobotError:
        return []  # not a valid name


async def view_or_archived(context: HandlerContext, ref: SessionRef) -> SessionView:
    """Read a session, in the archive if it is there.

    Raises:
        NotFoundError: It is neither among the sessions nor in the archive.
    """
    try:
        return await context.fleet.view(ref)
    except NotFoundError:
        if not await context.fleet.is_archived(ref):
            raise
        return await context.fleet.archived_view(ref)


async def find_archived(context: HandlerContext, word: str) -> SessionRef | None:
    """Find the newest archived session of a name, or of `project:name`."""
    project, _, name = word.casefold().rpartition(":")
    named = (ref for ref in await context.fleet.archived() if name in (ref.name, ref.folder))
    return next((ref for ref in named if project in ("", ref.project.casefold())), None)


def offer_restoring(context: HandlerContext, request: ChatRequest, ref: SessionRef, note: str = "") -> None:
    """Reply that a session is archived, and offer to restore it; the note follows as HTML."""
    context.reply(
        request,
        f"{Icon.ARCHIVED} {name_of(ref)} is archived.{note}",
        buttons=rows(restore_button(ref)),
        part="archived",
    )


async def _not_found(context: HandlerContext, request: ChatRequest, command: str, word: str) -> None:
    """Reply that there is no such session, with the one that was probably meant as a button."""
    if word.startswith("/"):
        raise NotFoundError(
            f"/{command} was not carried out, as another command follows it. Send “{one_line(word, 60)}” in a message of its own."
        )
    close = await context.fleet.nearest(word)
    found = await _find(context, close) if close else []
    shown = one_line(word, 60)
    if close is None or not found:
        raise NotFoundError(f"There is no session “{shown}”. /sessions lists all, /run starts one.")
    keys = [
        choice(
            f"/{command} {ref.name}" if len(found) == 1 else f"/{command} {ref.project}:{ref.name}",
            _with_session(command, ref, ""),
        )
        for ref in found[:MAX_CHOICES]
    ]
    context.reply(
        request,
        f"There is no session “{escape(shown)}”. Did you mean {bold_name(close)}?",
        buttons=rows(*keys, width=1),
        part="nearest",
    )


async def _offer_nearest(
    context: HandlerContext, request: ChatRequest, command: str, fits: Fits, word: str, rest: str
) -> bool:
    """If a text begins with nearly a session's name, ask whether it is one; nothing is done without a tap."""
    name = word.rstrip(",:;").rpartition(":")[2]
    close = await context.fleet.nearest(name) if len(name) > 2 else None
    found = await _find(context, close) if close is not None and _is_near(name, close) else []
    if close is None or not found:
        return False
    meant = [(await context.fleet.view(ref), rest) for ref in found[:MAX_CHOICES]]
    whole = [
        (view, request.text) for view in likely_sessions(await _candidates(context, fits), fits)[:_MOST_WHOLE]
    ]
    views = [view for view, _ in (*meant, *whole)]
    keys = [
        choice(
            f"{called}: “{one_line(said, 30)}”" if said.strip() else called,
            _with_session(command, view.ref, said),
        )
        for called, (view, said) in zip(_called(views), (*meant, *whole), strict=True)
    ]
    shown = f" “{escape(one_line(rest, 200))}”" if rest.strip() else ""
    context.reply(
        request,
        f"There is no session “{escape(one_line(name, 60))}”. Did you mean {bold_name(close)}?{shown}",
        buttons=rows(*keys, width=1),
        part="nearest",
    )
    return True


def _called(views: Sequence[SessionView]) -> list[str]:
    """The names of sessions of which some may be there twice."""
    once = list({view.ref.key: view for view in views}.values())
    called = dict(zip((view.ref.key for view in once), display_names(once), strict=True))
    return [called[view.ref.key] for view in views]


def _is_near(word: str, name: str) -> bool:
    """Whether a text is probably a typing error of a name."""
    import difflib  # rarely needed, and takes memory

    one, other = word.casefold(), name.casefold()
    return sorted(one) == sorted(other) or difflib.SequenceMatcher(None, one, other).ratio() > _NEAR


def _choose(
    context: HandlerContext, request: ChatRequest, command: str, views: Sequence[SessionView], question: str
) -> None:
    shown = list(views[:MAX_CHOICES])
    keys = [
        choice(f"{sign_of(view, need_of(view))} {name}", _with_session(command, view.ref, request.text))
        for view, name in zip(shown, display_names(shown), strict=True)
    ]
    more = f"\n{len(views) - len(shown)} more: name it after the command." if len(views) > len(shown) else ""
    context.reply(request, escape(question) + more, buttons=rows(*keys, width=1), part="choose")


def _with_session(command: str, ref: SessionRef, words: str) -> Action:
    return Action(do=ActionKind.PICK_SESSION, session=ref.key, command=command, text=words or None)


async def project_named(context: HandlerContext, wanted: str) -> str:
    """The project of that name, in whatever case it is written.

    Raises:
        NotFoundError: There is none; the nearest is named.
    """
    known = [project.name for project in await context.fleet.projects()]
    found = next((name for name in known if name.casefold() == wanted.casefold()), None)
    if found is None:  # a project of another machine may be named without it, if that is clear
        plain = [name for name in known if name.rpartition("@")[0].casefold() == wanted.casefold()]
        found = plain[0] if len(plain) == 1 else None
    if found is None:
        close = nearest(wanted, known)
        there = f"Did you mean {close}?" if close else f"There is: {', '.join(known)}."
        raise NotFoundError(f"There is no project “{one_line(wanted, 60)}”. {there}")
    return found
