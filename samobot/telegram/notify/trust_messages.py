"""The questions about what of a project the user has not trusted. Pure."""

from __future__ import annotations

from samobot.telegram.notify.notification import Importance, Notification, NotificationInput
from samobot.telegram.views.events import noticed
from samobot.telegram.views.trust_message import trust_file, trust_message


def trust_messages(change: NotificationInput) -> list[Notification]:
    """Build a question, with a document, for each thing that is not used; the report itself if that cannot be read."""
    reports = change.new_untrusted
    if not reports:
        return []
    ref, items = change.view.ref, change.extras.untrusted
    at = f"{reports[-1].at:%Y%m%dT%H%M%S.%f}"
    if items is None:
        shown = noticed(change.view, reports)
        return [Notification(f"notice:{at}", "notice", shown, Importance.ALERT, live=False)]
    found: list[Notification] = []
    for number, item in enumerate(items):
        key, detail = f"trust:{at}:{number}", {"trust": item.sha256}
        file = trust_file(ref, item)
        if file is not None:
            found.append(
                Notification(f"{key}:file", "trust", file, Importance.ALERT_PART, detail, live=False)
            )
        found.append(
            Notification(key, "trust", trust_message(ref, item), Importance.ALERT, detail, live=False)
        )
    return found
