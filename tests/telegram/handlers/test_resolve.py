"""Which session is meant, by name, by reply, by being the only one, or by asking."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samobot.fleet.models import SessionRef, SessionView
from samobot.session.folder import SessionFolder
from samobot.session.status import SessionState
from samobot.telegram.handlers.resolve import any_session, display_names, is_active, likely_sessions
from samobot.telegram.store.bot_store import Store
from samobot.telegram.store.sent import MessageSubject, SentMessage
from tests.support.phone import CHAT, Phone, open_phone

pytestmark = pytest.mark.slow


@pytest.fixture
async def phone(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Phone]:
    async for made in open_phone(tmp_path, store, monkeypatch):
        yield made


async def views(phone: Phone) -> dict[str, SessionView]:
    return {view.ref.name: view for view in await phone.context.fleet.sessions()}


async def test_command_without_a_name_takes_the_only_matching_session(phone: Phone) -> None:
    phone.asking("ask")
    phone.planned("plan")
    phone.session("rest")
    found = await views(phone)
    everything = list(found.values())
    assert [
        view.ref.name for view in likely_sessions(everything, lambda view: bool(view.open_questions))
    ] == ["ask"]
    # What rests is meant only where nothing else could be.
    assert {view.ref.name for view in likely_sessions(everything, any_session)} == {"ask", "plan"}
    assert {view.ref.name for view in likely_sessions(everything, lambda _: False)} == {"ask", "plan"}
    assert [view.ref.name for view in likely_sessions([found["rest"]], any_session)] == ["rest"]
    assert likely_sessions([], any_session) == []


async def test_a_wanted_session_is_active_whatever_its_state(phone: Phone) -> None:
    phone.session("rest")
    (view,) = (await views(phone)).values()
    assert view.state is SessionState.IDLE
    assert not is_active(view)
    assert is_active(view.model_copy(update={"wanted": True}))


async def test_sessions_have_the_shortest_unambiguous_names(phone: Phone) -> None:
    phone.session("one")
    (view,) = (await views(phone)).values()

    def called(project: str, folder: str, name: str) -> SessionView:
        return view.model_copy(update={"ref": SessionRef(project=project, folder=folder, name=name)})

    shown = [
        called("repo", "26-01-31-one", "one"),
        called("repo", "26-01-31-two", "two"),
        called("shop", "26-01-31-two", "two"),
        called("repo", "26-01-30-three", "three"),
        called("repo", "26-01-31-three", "three"),
    ]
    assert display_names(shown) == [
        "one",
        "repo:two",
        "shop:two",
        "repo:26-01-30-three",
        "repo:26-01-31-three",
    ]


async def test_a_name_in_two_projects_is_asked_for_and_a_project_settles_it(phone: Phone) -> None:
    phone.session("twin", project="repo")
    phone.session("twin", project="shop")
    await phone.say("/status twin")
    asked = phone.last("Which session?")
    labels = [key["text"] for row in (asked.post.markup or {})["inline_keyboard"] for key in row]
    assert [label.split()[-1] for label in labels] == ["repo:twin", "shop:twin"]
    assert "twin · shop" in (await phone.say("/status shop:twin"))[0]
    await phone.tap(asked, labels[0])
    assert phone.last("twin · repo")


async def test_text_survives_the_choice_of_a_session(phone: Phone) -> None:
    one, two = phone.asking("one"), phone.asking("two")
    await phone.say("/tell mock the network,\n  please")
    asked = phone.last("Which session is it for?")
    labels = [key["text"] for row in (asked.post.markup or {})["inline_keyboard"] for key in row]
    await phone.tap(asked, next(label for label in labels if label.endswith("two")))
    assert "mock the network,\n" in (two / "_guidance.md").read_text()
    assert not (one / "_guidance.md").exists()


async def test_text_begins_with_a_name_only_if_a_session_has_it(phone: Phone) -> None:
    folder = phone.asking("use")
    await phone.say("/tell use the force")
    await phone.say("/tell please use it")
    text = (folder / "_guidance.md").read_text()
    assert "Ann: the force" in text
    assert "Ann: please use it" in text


async def test_reply_addresses_its_session_and_keeps_its_text_verbatim(phone: Phone) -> None:
    one, two = phone.asking("one"), phone.asking("two")
    phone.store.sent.put(
        SentMessage(CHAT, 70, "card", MessageSubject("repo:26-01-31-two", "card"), None, "", 0.0)
    )
    await phone.say("/tell one at a time", reply_to=70)
    assert "one at a time" in (two / "_guidance.md").read_text()
    assert not (one / "_guidance.md").exists()
    # A command without words takes a name that is typed before the message that is replied to.
    assert "one · repo" in (await phone.say("/status one", reply_to=70))[0]
    assert "two · repo" in (await phone.say("/status", reply_to=70))[0]


@pytest.mark.parametrize(
    "name", ["../secret", "a/b", "-x", "..", "😀", "x" * 300, "repo:", ":", "nothing:at:all"]
)
async def test_no_name_leads_out_of_the_sessions(phone: Phone, name: str) -> None:
    phone.asking("one")
    (phone.root / "secret").mkdir()
    (phone.root / "secret" / "_overview.md").write_text("# Session: secret\n")
    said = await phone.say(f"/status {name}")
    assert said
    assert all("secret ·" not in text for text in said)


async def test_session_that_is_gone_is_reported(phone: Phone) -> None:
    phone.store.sent.put(
        SentMessage(CHAT, 71, "card", MessageSubject("repo:26-01-30-gone", "card"), None, "", 0.0)
    )
    assert "is gone" in (await phone.say("/status", reply_to=71))[0]
    assert "is gone" in (await phone.say("some words", reply_to=71))[0]


def _labels(phone: Phone, words: str) -> list[str]:
    keys = (phone.last(words).post.markup or {})["inline_keyboard"]
    return [key["text"] for row in keys for key in row]


async def test_typo_in_a_name_before_a_text_is_asked_about_and_the_text_is_kept(phone: Phone) -> None:
    folder, other = phone.asking("api"), phone.asking("docs")
    said = await phone.say("/tell apii use the cache")
    assert said == ["There is no session “apii”. Did you mean api? “use the cache”"]
    assert _labels(phone, "Did you mean api?")[0] == "api: “use the cache”"
    await phone.tap(phone.last("Did you mean api?"), "api: “use the cache”")
    assert (folder / "_guidance.md").read_text().strip().endswith("Ann: use the cache")
    assert not (other / "_guidance.md").exists()


async def test_text_that_only_looks_like_a_name_is_taken_whole_by_a_tap(phone: Phone) -> None:
    folder = phone.asking("greet")
    await phone.say("/tell great work, go on")
    await phone.tap(phone.last("Did you mean greet?"), "greet: “great work, go on”")
    assert "Ann: great work, go on" in (folder / "_guidance.md").read_text()


async def test_a_slip_in_a_name_decides_nothing(phone: Phone) -> None:
    asking, planned = phone.asking("quest"), phone.planned("plane")
    assert "Did you mean quest?" in (await phone.say("/answer qeust Q2 seven"))[0]
    await phone.tap(phone.last("Did you mean quest?"), "quest: “Q2 seven”")
    assert "seven" in (asking / "_qa.md").read_text()
    assert any("Did you mean plane?" in text for text in await phone.say("/reject plaen shorter"))
    assert not (planned / "_guidance.md").exists()
    await phone.tap(phone.last("Did you mean plane?"), "plane: “shorter”")
    assert "shorter" in (planned / "_guidance.md").read_text()


async def test_text_in_which_every_letter_differs_is_no_typo(phone: Phone) -> None:
    folder = phone.asking("cake")
    await phone.say("/tell make it fast")
    assert "Ann: make it fast" in (folder / "_guidance.md").read_text()


async def test_a_name_may_be_left_out_before_what_follows_it(phone: Phone) -> None:
    folder = phone.asking("demo")
    (folder / "01-31-11:30-dive-greeting.md").write_text("deep\n")
    assert "📄 demo" in (await phone.say("/log 3"))[0]
    assert "Did you mean 01-31-11:30-dive-greeting.md?" in (await phone.say("/files dive"))[0]
    assert (await phone.say("/files 01-31-11:30-dive-greeting.md"))[0] == "📁 demo"
    await phone.say("/answer 2 seven eight")
    await phone.say("/answer 1 B")
    assert "B) blue" in (folder / "_qa.md").read_text().partition("Q2")[0].partition("Answer")[2]


async def test_what_follows_a_name_survives_the_choice_of_a_session(phone: Phone) -> None:
    phone.session("one")
    phone.session("two")
    await phone.say("/log 3")
    asked = phone.last("Which session?")
    await phone.tap(asked, next(each for each in _labels(phone, "Which session?") if each.endswith("two")))
    assert phone.last("📄 two")


@pytest.mark.parametrize("budget", ["—budget 7", "--budget 7", "--budget=7", "7", "$7", "Budget 7"])
@pytest.mark.parametrize("name", ["api ", ""])
async def test_the_budget_of_a_resume_is_taken_however_a_phone_writes_it(
    phone: Phone, name: str, budget: str
) -> None:
    folder = phone.session("api", blocked="yes", signal='{"status": "blocked", "reason": "no key"}')
    SessionFolder(folder).prepare()
    await phone.say(f"/resume {name}{budget}")
    (view,) = await phone.context.fleet.sessions()
    assert (view.budget_usd, view.wanted) == (7.0, True)


@pytest.mark.parametrize("rest", ["—budget seven", "--bugdet 7", "-- 7 8", "tomorrow"])
async def test_resume_that_cannot_be_parsed_is_refused_with_a_message(phone: Phone, rest: str) -> None:
    phone.session("api", blocked="yes", signal='{"status": "blocked", "reason": "no key"}')
    (said,) = await phone.say(f"/resume api {rest}")
    assert said == f"“{rest}” is no budget in US dollars, such as 7 or --budget 7. Nothing was done."
    (view,) = await phone.context.fleet.sessions()
    assert not view.wanted
