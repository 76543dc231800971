"""A run on a host: what other machines spend counts, and cut off from the hub it continues or waits."""

from __future__ import annotations

from pathlib import Path

import pytest

from samobot.config.modes import HostAlone
from samobot.money.machine_share import MachineShare, ShareFile
from samobot.session.folder import SessionFolder
from samobot.session.journal import RunEndReason
from samobot.session.requests import RequestKind, WorkerRequest, request
from tests.support.fake_iteration import Played, bench
from tests.support.session_folder import make_session

DONE_SOON = Played({"status": "blocked", "reason": "enough", "needs": "nothing"})


def joined(folder: SessionFolder) -> ShareFile:
    """The machine as a host that has not reached its hub yet."""
    state = folder.path.parent / "state"
    (state / "hosts").mkdir(parents=True)
    (state / "hosts" / "host.json").write_text("{}")
    return ShareFile(state)


async def test_no_iteration_begins_once_all_machines_together_have_spent_the_day(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    share = joined(folder)
    there = bench(folder, Played({"status": "continue", "summary": "on"}, cost=0.3, act=lambda _: spend()))
    day = there.clock.now.astimezone().date().isoformat()
    share.write(MachineShare(day=day, cap_usd=2, spent_usd={"laptop": 1.0}))

    def spend() -> None:
        if len(there.iteration.assignments) == 2:
            share.write(MachineShare(day=day, cap_usd=2, spent_usd={"laptop": 1.5}))

    end = await there.worker.run()
    assert (end.reason, end.of_day) == (RunEndReason.BUDGET, True)
    assert "over all machines" in end.text
    assert [round(each.budget_left or 0, 2) for each in there.iteration.assignments] == [1.0, 0.7]


@pytest.mark.parametrize("alone", HostAlone)
async def test_a_machine_that_is_cut_off_does_what_the_user_chose(tmp_path: Path, alone: HostAlone) -> None:
    folder = make_session(tmp_path)
    share = joined(folder)
    there = bench(folder, DONE_SOON, alone=alone)

    def at_nap(number: int) -> None:
        assert there.iteration.assignments == []
        if number == 3:
            share.write(MachineShare())
            share.confirm(there.clock.now)

    there.clock.at_nap = at_nap
    end = await there.worker.run()
    assert end.reason is RunEndReason.BLOCKED
    assert len(there.clock.naps) == (3 if alone is HostAlone.PAUSE else 0)
    assert any("cut off" in each for each in there.notices) is (alone is HostAlone.PAUSE)


async def test_a_run_that_waits_for_its_hub_can_be_paused(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    joined(folder)
    there = bench(folder, DONE_SOON, alone=HostAlone.PAUSE)
    there.clock.at_nap = lambda _: request(folder, WorkerRequest(RequestKind.PAUSE, "Ann"))
    end = await there.worker.run()
    assert (end.reason, there.iteration.assignments) == (RunEndReason.PAUSED, [])
