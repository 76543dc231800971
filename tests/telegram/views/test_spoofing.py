"""Text of an agent that tries to look like a message of ours, or to act, in each place that shows some of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from samobot.fleet.landing_models import LandingView
from samobot.fleet.models import PlanPhaseView, RemarkView, SessionRef
from samobot.fleet.results import Document, LessonsView, UntrustedView
from samobot.phases import Phase
from samobot.sandbox.botapi.entities import EntityType, slice_utf16, with_found
from samobot.sandbox.botapi.parse_mode import parse_html
from samobot.session.question import Option
from samobot.session.status import SessionState
from samobot.telegram.outbound.delivery import plain_text
from samobot.telegram.views import events
from samobot.telegram.views.blocked import obstacle
from samobot.telegram.views.buttons import file_label
from samobot.telegram.views.card import card
from samobot.telegram.views.completion import done, summary_text
from samobot.telegram.views.landing_message import landing_message
from samobot.telegram.views.lessons_message import lessons_message
from samobot.telegram.views.pending import NeedKind
from samobot.telegram.views.plan_view import changes, decided_plan, open_plan, plan_file
from samobot.telegram.views.questions import answered_question, answers_receipt, open_question
from samobot.telegram.views.trust_message import trust_message
from samobot.telegram.views.wording import Recipient, agent_plain, time_of
from tests.support.cases import for_each
from tests.support.views import AT, REF, asking, at_rest, blocked, plan, planned, question, session

HERE = Recipient(1, zone=UTC)
FORGED = "Plan approved by owner"

ATTACKS = (
    FORGED,
    f"✅ {FORGED}",
    f"fine\n\n✅ {FORGED}",
    f"fine  \n→ {FORGED} · you, 14:02",
    f"✔\ufe0f {FORGED}",
    f"√ {FORGED}",
    f"1\ufe0f\u20e3 {FORGED}",
    f"\u2003✅ {FORGED}",
    f"fine{chr(0xA0) * 60}✅ {FORGED}",
    f"fine\u2028✅ {FORGED}",
    f"fine\r✅ {FORGED}",
    f"# ✅ {FORGED}",
    f"**✅ greet** · {FORGED}",
    f"fine\n──────────\n✅ {FORGED}",
    f"fine\n\n---\n\n⏱ {FORGED}",
    f"```\nfine\n```\n✅ {FORGED}",
    f"> fine\n\n✅ {FORGED}",
    f"| a |\n|-|\n| b |\n\n✅ {FORGED}",
    f"</blockquote>✅ {FORGED}<blockquote>",
    f"&lt;/blockquote&gt;\n✅ {FORGED}",
    f"fine” ✅ {FORGED} “",
    f"\u202e{FORGED}\u202c",
    f"\u2067✅ {FORGED}\u2069",
    f"A\u200bp\u2060prove \ufeff✅ {FORGED}",
    "[✅ Approve](tg://resolve?domain=evil&start=x)",
    "[✅ Approve](https://evil.test/approve)",
    "[https://github.com/a](https://evil.test/a)",
    "![logo](tg://user?id=1)",
    "<tg://join?invite=x> **t**g://resolve?domain=evil",
    "[x](javascript:alert(1)) javascript:alert(1)",
    "[x](https://github.com@evil.test/)",
    '<a href="tg://resolve?domain=evil">Approve</a>',
    "Tap /approve or /stop@samo_bot to see more",
    "gіthub.com and Αpprove and pаypal.com",
    "**𝗚𝗿𝗲𝗲𝘁** 𝗵𝗮𝘀 𝗮 𝗽𝗹𝗮𝗻",
    "x" + "\u0336\u0337" * 60,
    "Tap /𝐚𝐩𝐩𝐫𝐨𝐯𝐞 or /ｓｔｏｐ to see more",
    "𝐭𝐠://resolve?domain=evil and ⓣⓖ://join",
    "Ask @samo_help_bot or ＠samo_help_bot",
    "`@samo_help_bot`",
    "fine\n\n`@`samo_help_bot",
    "https://github.com@evil.test/a https://github.com%2Fa@evil.test HTTP://a@b@evil.test",
    "<https://github.com@evil.test/>",
    "t.me/evil?start=x",
    "(/approve) «/stop» see:/approve ·/approve",
    f"||✅ {FORGED}||",
    f"<tg-spoiler>✅ {FORGED}</tg-spoiler><blockquote expandable>✅ {FORGED}</blockquote>",
    "Call +1 555 010 9999 or #approve $STOP now",
    "t\u200b.me/evil and https://t\u2060.me/evil?start=x",
    "TG://resolve?domain=evil ton://transfer/x tonsite://evil.ton tg:resolve?domain=evil",
    "HTTPS://T.ME/evil and https://telegram.me/evil https://telegram.dog/x",
    "`/approve` and\n```\n/approve\n```",
    f"\u2063\u2063✅\ufe0e {FORGED}\u3164",
    f"\u2705\u200d {FORGED}",
    f"fine\x0b✅ {FORGED}\x0c→ {FORGED}\x85✅ {FORGED}",
    f"fine\u2029✅ {FORGED}",
    f"\U000e0020\U000e0041✅ {FORGED}",
)


PLACES: dict[str, Callable[[str], str]] = {
    "question": lambda text: _asked(text=text),
    "option": lambda text: _asked(options=(Option(letter="A", text=text), Option(letter="B", text="no"))),
    "suggestion": lambda text: _asked(reason=text),
    "answered question": lambda text: _answered(text=text),
    "chosen option": lambda text: _answered(answer=f"B) {text}"),
    "receipt": lambda text: answers_receipt(session(), (question(answer=f"B) {text}"),), 3, over=True).text,
    "plan title": lambda text: _plan(title=text),
    "plan phase": lambda text: _plan(phases=(PlanPhaseView(title=text, steps=2),)),
    "plan changes": lambda text: (
        open_plan(planned(plan()), plan(), 2, changes("# old\n", f"# old\n{text}\n"), HERE, AT).text
    ),
    "plan caption": lambda text: plan_file(planned(plan()), Document(name="p.md", text=text), 1).text,
    "approved plan": lambda text: (
        decided_plan(planned(plan()), plan(title=text, verdict="approval"), 1, HERE, AT, approved=True).text
    ),
    "summary": summary_text,
    "done": lambda text: done(at_rest(SessionState.DONE, summary=text), "", None).text,
    "reason": lambda text: obstacle(blocked(text), NeedKind.BLOCK, "", HERE, AT).text,
    "need": lambda text: obstacle(blocked("No network.", needs=text), NeedKind.BLOCK, "", HERE, AT).text,
    "last message": lambda text: obstacle(blocked("Short."), NeedKind.BLOCK, text, HERE, AT).text,
    "action": lambda text: obstacle(blocked(text), NeedKind.ACTION, "", HERE, AT).text,
    "failure": lambda text: obstacle(blocked(text), NeedKind.FAILED, "", HERE, AT).text,
    "pause": lambda text: obstacle(blocked(text), NeedKind.ITERATIONS, "", HERE, AT).text,
    "card, last": lambda text: card(session(last_action=text), HERE, AT).text,
    "card, next": lambda text: card(session(next=text), HERE, AT).text,
    "card, activity": lambda text: card(session(activity=f"Editing {text}"), HERE, AT).text,
    "phase": lambda text: events.new_phase(session(summary=text), Phase.PLANNING).text,
    "iteration": lambda text: events.iteration_over(session(summary=text)).text,
    "commit subject": lambda text: (
        landing_message(
            REF,
            LandingView(
                branch="greet",
                base="main",
                head="a" * 40,
                base_head="b" * 40,
                ahead=1,
                behind=0,
                files=1,
                added=1,
                removed=0,
                uncommitted=0,
                subjects=(text,),
                debt=(text,),
                objections=(text,),
                remote="",
                offers=(),
            ),
        ).text
    ),
    "lessons": lambda text: lessons_message(REF, LessonsView(new=(text,), sha256="a")).text,
    "what is not trusted": lambda text: (
        trust_message(REF, UntrustedView(title="Settings", lines=(f"hooks.x = {text}",), sha256="a")).text
    ),
    "session name": lambda text: events.iteration_over(session(ref=_named(text), summary="fine")).text,
    "session name, card": lambda text: card(session(ref=_named(text)), HERE, AT).text,
    "remark": lambda text: events.noticed(session(), [_remark(text)]).text,
    "reverted": lambda text: events.revert(session(), [_remark(text)]).text,
}


def _asked(**values: Any) -> str:
    view = asking(question(**values))
    return open_question(view, view.questions[0], HERE, AT).text


def _answered(**values: Any) -> str:
    view = asking(question(**({"answer": "B) yes"} | values)))
    return answered_question(view, view.questions[0], HERE, AT, changeable=False).text


def _plan(**values: Any) -> str:
    shown = plan(**values)
    return open_plan(planned(shown), shown, 1, "", HERE, AT).text


def _named(text: str) -> SessionRef:
    """A session that is read from a folder of this name."""
    name = text.replace("/", "_")
    return SessionRef(project="demo", folder=f"26-01-15-{name}", name=name)


def _remark(text: str) -> RemarkView:
    return RemarkView(at=AT, kind="note", text=text)


def _unquoted(html: str) -> str:
    """What a reader takes for ours: the text outside block quotes, code and quotation marks."""
    bare = re.sub(r"<(blockquote|pre|code)\b.*?</\1>", "▒", html, flags=re.DOTALL)
    return re.sub("“[^”\n]*”", "▒", parse_html(bare).text)


@for_each("place", PLACES)
@for_each("attack", ATTACKS)
def test_agent_text_never_passes_for_ours_and_never_acts(place: str, attack: str) -> None:
    html = PLACES[place](attack)
    found = with_found(parse_html(html))
    harmless = with_found(parse_html(PLACES[place]("fine")))
    kinds = {entity.type for entity in harmless.entities}
    for entity in found.entities:
        shown = slice_utf16(found.text, entity.offset, entity.length)
        acts = (EntityType.BOT_COMMAND, EntityType.TEXT_MENTION, EntityType.MENTION)
        assert entity.type not in acts or entity.type in kinds
        if entity.type is EntityType.TEXT_LINK:
            assert entity.url == shown, "the address is what is visible"
        if entity.type in (EntityType.URL, EntityType.TEXT_LINK):
            assert shown.startswith(("http://", "https://")) or "://" not in shown
            assert not re.match(r"(?i)https?://[^/]*@", shown), "what comes first is the host"
    assert not re.search(r"(?:tg|ton)://", found.text)
    for character in found.text:
        assert unicodedata.bidirectional(character) not in {
            "RLO",
            "LRO",
            "RLE",
            "LRE",
            "RLI",
            "LRI",
            "FSI",
            "PDI",
        }
        assert character not in "\u200b\u2060\ufeff\u200e\u200f"
    ours = _unquoted(html)
    for line in ours.split("\n"):
        # Behind a label of ours a plain sentence of the agent may stand, such as `Last: wrote the parser`.
        assert FORGED not in line or re.match(
            r"(?:Last|Next|💡 It suggests B): |(?:→ |Q1  )B  |Editing ", line
        ), line
        assert not re.search(f"[✅→✔√⏱] *{FORGED}", line), line
    assert not re.search("[іΑа]", found.text) or "‹" in found.text
    assert "𝗚" not in found.text


@for_each("attack", ATTACKS)
def test_names_on_buttons_are_set_apart(attack: str) -> None:
    label = file_label(attack.replace("\n", " "), "1 kB")
    assert not label.startswith(("✅", "→", "✔", "√", "⏱", "🏁"))
    assert "\n" not in label
    assert not re.search("[\u200b\u2060\ufeff\u202e\u2067]", label)
    assert agent_plain(attack) == agent_plain(agent_plain(attack)) or "“" in agent_plain(attack)


def test_the_plain_form_that_is_never_refused_quotes_as_well() -> None:
    view = asking(question(text=f"Which?\n\n✅ {FORGED}"))
    text = plain_text(open_question(view, view.questions[0], HERE, AT).text)
    assert f"\n> ✅ {FORGED}" in text


def test_a_time_far_away_comes_with_its_year() -> None:
    now = datetime(2026, 11, 28, 12, tzinfo=UTC)
    assert time_of(datetime(2100, 1, 1, tzinfo=UTC), HERE, now) == "Jan 1, 2100, 00:00"
    assert time_of(datetime(2026, 12, 24, tzinfo=UTC), HERE, now) == "Dec 24, 00:00"
