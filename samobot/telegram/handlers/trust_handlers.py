"""What a project's own files would run, shown in the chat, and the decision whether it counts."""

from __future__ import annotations

from collections.abc import Sequence

from samobot.errors import ConflictError, NotFoundError
from samobot.fleet.models import SessionRef, SessionView
from samobot.fleet.results import UntrustedView
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext, about_session
from samobot.telegram.handlers.intents import Assent, read_assent
from samobot.telegram.handlers.resolve import find_target
from samobot.telegram.views.trust_message import trust_file, trust_message


async def trust(context: HandlerContext, request: ChatRequest) -> None:
    """`/trust [name]`: show what of the session's project is not used, with the buttons that decide."""
    target = await find_target(context, request, "trust", lambda view: True, reads=True)
    if target is None:
        return
    ref = target.view.ref
    found = await context.fleet.untrusted(ref)
    if not found:
        raise NotFoundError(f"{ref.project} has nothing that you have not trusted.")
    _show(context, request, ref, found)


async def decide_trust(
    context: HandlerContext, request: ChatRequest, ref: SessionRef, sha256: str, *, accept: bool
) -> None:
    """Trust exactly what was shown, or leave it out; what has changed since is shown as it is now.

    Raises:
        ConflictError: It has changed.
    """
    try:
        await context.fleet.decide_trust(ref, sha256, request.person, accept=accept)
    except ConflictError:
        found = await context.fleet.untrusted(ref)
        _show(context, request, ref, [each for each in found if not each.left_out])
        raise
    sign, words = ("👍", "Trusted from now on.") if accept else ("👎", "Left out; it is not used.")
    context.receipt(request, sign, words, session=ref.key)


async def answer_trust(context: HandlerContext, request: ChatRequest, view: SessionView, sha256: str) -> bool:
    """Take a clear yes or no as the decision about what was replied to; False if the text is neither."""
    assent = read_assent(request.text)
    if assent not in (Assent.CLEAR, Assent.REFUSAL):
        return False
    await decide_trust(context, request, view.ref, sha256, accept=assent is Assent.CLEAR)
    return True


def _show(
    context: HandlerContext, request: ChatRequest, ref: SessionRef, found: Sequence[UntrustedView]
) -> None:
    for number, item in enumerate(found):
        about = about_session(ref, "trust", trust=item.sha256)
        file, shown = trust_file(ref, item), trust_message(ref, item)
        if file is not None:
            context.reply(
                request, file.text, about=about, part=f"trust-file{number}", attachment=file.attachment
            )
        context.reply(request, shown.text, buttons=shown.buttons, about=about, part=f"trust{number}")
