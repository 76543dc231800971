from __future__ import annotations

from samobot.fleet.models import GuidanceView, PastSession
from samobot.hosts.hub_messages import LARGEST, decode_snapshot
from samobot.hosts.snapshot_publisher import ACTIVITY_SECONDS, SnapshotPublisher, bounded
from tests.support.views import session

VIEW = session()
KEY = VIEW.ref.key


def test_only_what_has_changed_is_due() -> None:
    publisher = SnapshotPublisher("boot")
    publisher.update([VIEW], [], 0.0)
    (first,) = publisher.due()
    publisher.done(first)
    publisher.update([VIEW], [], 10.0)
    assert publisher.due() == []
    publisher.update([session(iteration=7)], [], 11.0)
    (second,) = publisher.due()
    assert (second.n, second.view.iteration if second.view else 0) == (2, 7)


def test_the_agents_activity_alone_is_published_once_a_second() -> None:
    publisher = SnapshotPublisher("boot")
    publisher.update([VIEW], [], 0.0)
    publisher.update([session(activity="Reading a.py")], [], ACTIVITY_SECONDS / 2)
    assert (publisher.n, publisher.has_later) == (1, True)
    publisher.update([session(activity="Reading b.py")], [], ACTIVITY_SECONDS)
    assert (publisher.n, publisher.has_later) == (2, False)


def test_another_change_is_published_at_once() -> None:
    publisher = SnapshotPublisher("boot")
    publisher.update([VIEW], [], 0.0)
    publisher.update([session(activity="Reading a.py", iteration=7)], [], 0.1)
    assert publisher.n == 2


def test_a_session_that_is_gone_is_published_as_nothing_and_then_forgotten() -> None:
    publisher = SnapshotPublisher("boot")
    publisher.update([VIEW], [], 0.0)
    publisher.update([], [PastSession(KEY, None)], 1.0)
    publisher.update([], [], 2.0)
    (gone,) = publisher.due()
    assert (gone.n, gone.view, gone.past) == (3, None, None)
    publisher.done(gone)
    publisher.repeat_all()
    assert publisher.due() == []


def test_a_change_while_a_snapshot_is_on_its_way_stays_due() -> None:
    publisher = SnapshotPublisher("boot")
    publisher.update([VIEW], [], 0.0)
    (first,) = publisher.due()
    publisher.update([session(iteration=7)], [], 0.1)
    publisher.done(first)
    assert [each.n for each in publisher.due()] == [2]


def test_a_view_of_any_size_fits_into_a_message() -> None:
    guidance = tuple(GuidanceView(who="anna", text="é" * 50_000, given=True) for _ in range(100))
    large = bounded(session(guidance=guidance, summary="“" * 2_000_000))
    assert large is not None
    assert len(large.model_dump_json().encode()) < LARGEST
    assert "too large" in large.problems[-1]
    publisher = SnapshotPublisher("boot")
    publisher.update([session(guidance=guidance)], [], 0.0)
    assert decode_snapshot(publisher.due()[0].encode()).key == KEY
