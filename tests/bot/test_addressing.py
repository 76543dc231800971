"""Which session is meant, by name, by reply, by being the only one, or by asking."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from samobot.bot.addressing import any_session, is_active, names, pick
from samobot.bot.sent import About, SentMessage
from samobot.bot.store import Store
from samobot.session.status import SessionState
from samobot.views import SessionRef, SessionView
from tests.support.phone import CHAT, Phone, open_phone


@pytest.fixture
async def phone(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Phone]:
    async for made in open_phone(tmp_path, store, monkeypatch):
        yield made


async def views(phone: Phone) -> dict[str, SessionView]:
    return {view.ref.name: view for view in await phone.desk.fleet.look()}


async def test_where_none_is_named_it_is_what_the_command_can_be_about(phone: Phone) -> None:
    phone.asking("ask")
    phone.planned("plan")
    phone.session("rest")
    found = await views(phone)
    everything = list(found.values())
    assert [view.ref.name for view in pick(everything, lambda view: bool(view.open_questions))] == ["ask"]
    # What rests is meant only where nothing else could be.
    assert {view.ref.name for view in pick(everything, any_session)} == {"ask", "plan"}
    assert {view.ref.name for view in pick(everything, lambda _: False)} == {"ask", "plan"}
    assert [view.ref.name for view in pick([found["rest"]], any_session)] == ["rest"]
    assert pick([], any_session) == []


async def test_a_wanted_session_is_active_whatever_its_state(phone: Phone) -> None:
    phone.session("rest")
    (view,) = (await views(phone)).values()
    assert view.state is SessionState.IDLE
    assert not is_active(view)
    assert is_active(view.model_copy(update={"wanted": True}))


async def test_sessions_are_called_as_short_as_tells_them_apart(phone: Phone) -> None:
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
    assert names(shown) == ["one", "repo:two", "shop:two", "repo:26-01-30-three", "repo:26-01-31-three"]


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


async def test_words_survive_the_choice_of_a_session(phone: Phone) -> None:
    one, two = phone.asking("one"), phone.asking("two")
    await phone.say("/tell mock the network,\n  please")
    asked = phone.last("Whom is it for?")
    labels = [key["text"] for row in (asked.post.markup or {})["inline_keyboard"] for key in row]
    await phone.tap(asked, next(label for label in labels if label.endswith("two")))
    assert "mock the network,\n" in (two / "_guidance.md").read_text()
    assert not (one / "_guidance.md").exists()


async def test_words_begin_with_a_name_only_where_a_session_has_it(phone: Phone) -> None:
    folder = phone.asking("use")
    await phone.say("/tell use the force")
    await phone.say("/tell please use it")
    text = (folder / "_guidance.md").read_text()
    assert "Ann: the force" in text
    assert "Ann: please use it" in text


async def test_a_reply_addresses_its_session_and_leaves_all_words_as_they_are(phone: Phone) -> None:
    one, two = phone.asking("one"), phone.asking("two")
    phone.store.sent.put(SentMessage(CHAT, 70, "card", About("repo:26-01-31-two", "card"), None, "", 0.0))
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


async def test_a_session_that_is_gone_says_so(phone: Phone) -> None:
    phone.store.sent.put(SentMessage(CHAT, 71, "card", About("repo:26-01-30-gone", "card"), None, "", 0.0))
    assert "is gone" in (await phone.say("/status", reply_to=71))[0]
    assert "is gone" in (await phone.say("some words", reply_to=71))[0]
