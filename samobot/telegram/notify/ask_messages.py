"""The messages about calls that an agent asks for. Pure."""

from __future__ import annotations

from samobot.telegram.notify.notification import Importance, Notification, NotificationInput
from samobot.telegram.views.pending import NeedKind
from samobot.telegram.views.permission import ask_file, ask_key, decided_ask, identity_of, open_ask
from samobot.telegram.views.wording import Recipient


def ask_messages(change: NotificationInput, recipient: Recipient) -> list[Notification]:
    """Build a message for each call that waits or was decided; a long one comes with a document."""
    view, after = change.view, change.after
    asking = change.need is not None and change.need.kind is NeedKind.PERMISSION
    found: list[Notification] = []
    for ask in view.asks:
        key, detail = ask_key(ask), {"ask": identity_of(ask)}
        posted = after.posted.get(key)
        if ask.waiting and asking and (posted is not None or not after.muted):
            document = change.extras.asks.get(ask.id)
            if document is not None:
                file = ask_file(view, ask, document)
                found.append(
                    Notification(f"{key}:file", "permission", file, Importance.ALERT_PART, detail, live=False)
                )
            found.append(Notification(key, "permission", open_ask(view, ask), Importance.ALERT, detail))
        elif not ask.waiting and posted is not None:
            shown = decided_ask(view, ask, recipient, posted.at)
            found.append(
                Notification(
                    key,
                    "permission",
                    shown,
                    Importance.ALERT_PART,
                    detail,
                    post=False,
                    live=False,
                    decided=True,
                )
            )
    return found
