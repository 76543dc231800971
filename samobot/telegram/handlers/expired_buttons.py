"""Buttons that were used or replaced: what is answered to a tap on one."""

from __future__ import annotations

from samobot.errors import SamobotError
from samobot.fleet.models import SessionRef, SessionView
from samobot.telegram.handlers.chat_request import ChatRequest
from samobot.telegram.handlers.context import HandlerContext
from samobot.telegram.store.callback_data import CallbackPress, CallbackState
from samobot.telegram.views.actions import Action, ActionKind
from samobot.telegram.views.permission import VERDICTS, identity_of
from samobot.telegram.views.wording import spoken_answer


async def answer_expired(
    context: HandlerContext, request: ChatRequest, action: Action, tap: CallbackPress
) -> None:
    """Reply with the current state, and change nothing."""
    if action.session is None:
        words = "That was picked already." if tap.state is CallbackState.USED else "This button is too old."
        context.toast(request, words)
        return
    try:
        ref = SessionRef.from_key(action.session)
        view = await context.fleet.view(ref)
        words = _current_state(view, action, tap)
        await context.notifier.refresh(ref)
    except SamobotError as error:
        words = error.message
    context.toast(request, words, alert=tap.used_by not in (None, request.user_id))


def _current_state(view: SessionView, action: Action, tap: CallbackPress) -> str:
    """The current state of something that was decided already, as a sentence."""
    match action.do:
        case ActionKind.ANSWER | ActionKind.OTHER_ANSWER | ActionKind.CHANGE_ANSWER:
            found = [each for each in view.questions if each.identity == action.identity]
            if found and found[0].answer is not None:
                by = f" by {found[0].by}" if found[0].by else ""
                return f"{found[0].label} was answered{by}: {spoken_answer(found[0].answer, 100)}"
        case ActionKind.APPROVE | ActionKind.REQUEST_CHANGES:
            plan = view.plan
            if plan is not None and plan.sha256 != action.identity:
                return f"{view.ref.name} has another plan by now."
            if plan is not None and plan.verdict is not None:
                verdict = "approved" if plan.verdict == "approval" else "sent back"
                return f"The plan was {verdict}{f' by {plan.by}' if plan.by else ''}."
        case ActionKind.ALLOW_ONCE | ActionKind.ALLOW_SESSION | ActionKind.DENY | ActionKind.DENY_SAY:
            ask = next((each for each in view.asks if identity_of(each) == action.identity), None)
            if ask is not None and ask.verdict is not None:
                return f"{VERDICTS[ask.verdict]}{f' by {ask.by}' if ask.by else ''}: {ask.tool}."
            if ask is None or not ask.waiting:
                return f"{view.ref.name} does not ask for that any longer."
        case _:
            pass
    what = "Done already" if tap.state is CallbackState.USED else "This button is too old"
    phase = f" in {view.phase}" if view.phase is not None else ""
    return f"{what}. {view.ref.name} is {view.state}{phase}."
