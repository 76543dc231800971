"""`samobot answer`, `approve`, `reject`, `tell`: decisions, on disk before they are confirmed."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from samobot.config.environment import find_whereabouts
from samobot.errors import UsageError
from samobot.session import gate, journal
from samobot.session.answer_text import Ambiguous, parse_answers, parse_label
from samobot.session.decisions import load_key
from samobot.session.files import read_text
from samobot.session.folder import SessionFolder
from samobot.session.gate_effects import refuse_if_done
from samobot.session.last_run import holds, standing_end
from samobot.session.lock import holder
from samobot.session.qa import parse_qa
from samobot.terminal.actor import find, person_at
from samobot.terminal.options import config_option, name_argument
from samobot.text import one_line


@click.command("answer")
@name_argument()
@click.argument("answers", nargs=-1, metavar='[Q1=A] ["Q2=free text"]…')
@click.option("--suggestions", is_flag=True, help="Answer every open question as the agent suggests.")
@config_option
def answer_command(name: str, answers: tuple[str, ...], suggestions: bool, config: Path | None) -> None:
    """Answer a session's questions: a letter takes that option, anything else is written as it is.

    \b
    Examples:
      samobot answer greet Q1=B "Q2=Print it in bold"
      samobot answer greet B            (if one question is open)
      samobot answer greet --suggestions
      samobot answer greet              (asks one by one; Enter takes what is suggested)
    """
    folder = find(name, config).folder
    person = person_at(folder)
    refuse_if_done(folder)  # before parsing, which would only report that no question is open
    key = _key()
    now = datetime.now(UTC)
    if suggestions:
        if answers:
            raise UsageError(
                "Give answers or --suggestions, not both: answer first, then take the suggestions."
            )
        receipt = gate.answer_suggestions(folder, person, now, key)
    elif not answers and sys.stdin.isatty() and parse_qa(read_text(folder.qa) or "").open:
        # Here, for an answer that is given on the command line needs none of it and is to be quick.
        from samobot.terminal.gate_prompts import ask_questions

        if ask_questions(folder, person, key):
            click.echo(f"All answered. {next_step(folder)}")
        return
    else:
        receipt = gate.answer(folder, _read_answers(answers, folder), person, now, key)
    for each in receipt.answered:
        click.echo(f"✅ {each.question.label} → {one_line(each.answer, 200)}")
    if receipt.open_questions:
        click.echo(f"{receipt.open_questions} still open: samobot status {folder.name}")
    else:
        click.echo(f"All answered. {next_step(folder)}")


@click.command("approve")
@name_argument()
@config_option
def approve_command(name: str, config: Path | None) -> None:
    """Approve a session's plan as it is now; implementation is next."""
    folder = find(name, config).folder
    person = person_at(folder)
    verdict = gate.approve(folder, person, datetime.now(UTC), _key())
    already = "was approved before" if verdict.repeated else "is approved"
    click.echo(f"✅ The plan {verdict.plan.name} {already}. {next_step(folder)}")


@click.command("reject")
@name_argument()
@click.option("--feedback", required=True, help="What should be different; the agent gets it verbatim.")
@config_option
def reject_command(name: str, feedback: str, config: Path | None) -> None:
    """Send a session's plan back with feedback; planning continues."""
    folder = find(name, config).folder
    person = person_at(folder)
    key = _key()
    verdict = gate.reject(folder, feedback, person, datetime.now(UTC), key)
    click.echo(f"✏️ Changes to {verdict.plan.name} are requested. {next_step(folder)}")


@click.command("tell")
@name_argument()
@click.argument("words", nargs=-1, required=True, metavar="TEXT")
@click.option("--now", "interrupt", is_flag=True, help="Interrupt what the agent is doing.")
@config_option
def tell_command(name: str, words: tuple[str, ...], interrupt: bool, config: Path | None) -> None:
    """Give the agent guidance, verbatim: the running turn at its next step, or the next iteration."""
    folder = find(name, config).folder
    person = person_at(folder)
    gate.tell(folder, " ".join(words), person.who, datetime.now(UTC), interrupt=interrupt)
    running = journal.read(folder).iteration
    if holder(folder) is None or running is None or not running.steerable:
        click.echo("✍️ Saved. The next iteration is given it.")
    elif interrupt:
        click.echo("⚡ Saved. The agent is interrupted with it.")
    else:
        click.echo("✍️ Saved. The agent gets it at its next step.")


def _key() -> bytes:
    """The key of the marks. Read without the other settings, which take longer than the decision.

    Raises:
        UsageError: It is not clear where the state folder is.
    """
    places = find_whereabouts()
    if places.problems:
        raise UsageError(places.problems[0])
    return load_key(places.state_dir)


def _read_answers(answers: tuple[str, ...], folder: SessionFolder) -> dict[str | int, str]:
    """Parse the arguments; an answer without a label belongs to the only question that is open."""
    found: dict[str | int, str] = {}
    qa = parse_qa(read_text(folder.qa) or "")
    waiting = qa.open
    labels = ", ".join(question.label for question in waiting) or "none"
    is_split = any(parse_label(words) for words in answers)  # Q1 A Q2 B, without quotation marks
    for words in [" ".join(answers)] if is_split else answers:
        parsed = parse_answers(words, qa.questions)
        if isinstance(parsed, Ambiguous):
            raise UsageError(parsed.message)
        given = dict(parsed.answers)
        if not given and len(waiting) == 1 and not parsed.everything:
            given = {waiting[0].label: words}
        if not given:
            raise UsageError(
                f"Say which question “{one_line(words, 40)}” answers, as in Q1=A. Open: {labels}."
            )
        for label, answer in given.items():
            if label in found:
                raise UsageError(
                    f"There are two answers to {label}; give one, in quotation marks if it contains spaces."
                )
            found[label] = answer
    if not found:
        raise UsageError(f"Give an answer, as in Q1=A, or take them all with --suggestions. Open: {labels}.")
    return found


def next_step(folder: SessionFolder) -> str:
    """How the session continues after a decision, for the user."""
    if holder(folder) is not None:
        return "The running worker takes it up."
    end = standing_end(folder, journal.read(folder))
    if holds(end):
        stays = "paused" if end is not None and end.paused else "stopped"
        return f"It stays {stays}, as asked. Continue with: samobot resume {folder.name}"
    return f"Continue with: samobot run --session {folder.name}"
