"""`samobot land`: what a finished session made is merged or pushed, exactly as it was shown."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from samobot.config.address import LocatedSession
from samobot.config.settings_loader import load_settings
from samobot.errors import ConflictError, UsageError
from samobot.fleet.landing import land, landing_view
from samobot.fleet.landing_models import REMOVES, LandingOffer, LandingStep, LandingView
from samobot.session.decisions import load_key
from samobot.session.folder import archive
from samobot.terminal.actor import find, person_at
from samobot.terminal.confirmation import confirm
from samobot.terminal.options import config_option, name_argument
from samobot.text import one_line, printable

_ID = 9


@click.command("land")
@name_argument()
@click.argument("step", required=False, type=click.Choice([each.value for each in LandingStep]))
@click.option(
    "--expect", metavar="ID", help="Do it only if it is still what was shown under this id, without asking."
)
@config_option
def land_command(name: str, step: str | None, expect: str | None, config: Path | None) -> None:
    """Merge or push what a finished session made.

    Without STEP: show the branch and what can be done with it. With one, show it, ask, and do exactly that.
    Nothing is forced, and nothing is changed if anything has moved since it was shown.

    \b
    Steps:
      merge    into the local base branch: fast-forward, or a merge commit if that has moved on
      squash   into the local base branch as one commit
      push     to the remote, under the branch's own name
      open-pr, open-draft    open a pull request with the title and text that are shown
      ready-pr    take its draft out of the draft state
      merge-pr, squash-pr    let the forge merge it, once all its checks are green
      clean-up    remove branch and worktree of what is merged, here and at the remote; archive the session
      discard     remove branch and worktree here although they are not merged; archive the session
    """
    settings = load_settings()
    located = find(name, config)
    person = person_at(located.folder)
    if step is None and expect is not None:
        raise UsageError("--expect needs a STEP.")
    identity = expect
    if identity is None or step is None:
        view = landing_view(located.project, located.folder)
        _show(located, view)
        if step is None:
            return
        identity = _confirm(view, LandingStep(step))
    result = land(
        located.project,
        located.folder,
        LandingStep(step),
        person,
        expected=identity,
        now=lambda: datetime.now(UTC),
        key=load_key(settings.samobot_state_dir),
    )
    if result.step in REMOVES:
        archive(located.folder)
    click.echo(f"🔀 {'Done before: ' if result.repeated else ''}{printable(result.text)}")


def _show(located: LocatedSession, view: LandingView) -> None:
    into = f" → {view.base}" if view.base else ""
    click.echo(f"🔀 {located.folder.name}: {printable(view.branch)}{printable(into)}")
    commits = "1 commit" if view.ahead == 1 else f"{view.ahead} commits"
    files = "1 file" if view.files == 1 else f"{view.files} files"
    click.echo(f"   {commits}, {files}, +{view.added} −{view.removed}")
    onto = f" onto {view.base_head[:_ID]}" if view.base_head else ""
    click.echo(f"   {view.head[:_ID]}{onto}")
    for subject in view.subjects[: view.ahead]:
        click.echo(f"     {printable(one_line(subject, 100))}")
    if view.behind and view.ahead:
        newer = "1 newer commit" if view.behind == 1 else f"{view.behind} newer commits"
        click.echo(f"   {printable(view.base)} has {newer}: joined by a merge commit")
    if view.uncommitted:
        click.echo(f"   not committed: {', '.join(printable(one_line(each, 80)) for each in view.left[:8])}")
    if view.submodules:
        inside = ", ".join(printable(one_line(each, 80)) for each in view.submodules[:8])
        click.echo(f"   not looked at, and removed with the worktree: changes inside {inside}")
    request = view.pull_request
    if request is not None:
        where = printable(request.url)
        click.echo(f"   #{request.number} is {request.state}, at {request.head[:_ID]}: {where}")
        for check in request.checks:
            click.echo(f"     {check.state:<7} {printable(one_line(check.name, 80))}")
    for remark in (*(f"open: {each}" for each in view.debt), *view.objections) if view.ahead else ():
        click.echo(f"   before you land it: {printable(one_line(remark))}")
    for offer in view.offers:
        click.echo(f"   {offer.step:<10} {_line(view, offer)}")
    if any(offer.step is LandingStep.OPEN_PR and not offer.refusal for offer in view.offers):
        click.echo(f"\nA pull request would be:\n{printable(view.title)}\n\n{printable(view.body)}")


def _line(view: LandingView, offer: LandingOffer) -> str:
    if offer.refusal:
        return f"not now: {printable(one_line(offer.refusal))}"
    match offer.step:
        case LandingStep.PUSH:
            where = f"to {printable(view.remote)}"
        case LandingStep.MERGE | LandingStep.SQUASH:
            where = f"into {printable(view.base)}"
        case LandingStep.CLEAN_UP | LandingStep.DISCARD:
            where = f"branch and worktree of {printable(view.branch)}"
        case _:
            where = f"at {printable(view.forge)}"
    return f"{where}   (id {offer.identity})"


def _confirm(view: LandingView, step: LandingStep) -> str:
    """Ask about a step; returns the identity of what was shown.

    Raises:
        ConflictError: It is not possible now, or was declined.
        UsageError: The standard input is no terminal.
    """
    offer = view.offer(step)
    if offer is None:
        raise ConflictError(f"{step} is not possible here: there is no remote, forge or pull request for it.")
    if offer.refusal:
        raise ConflictError(offer.refusal)
    confirm(
        f"{step.capitalize()}?",
        instead=f"To do exactly this: --expect {offer.identity}",
        declined="Nothing was done.",
    )
    return offer.identity
