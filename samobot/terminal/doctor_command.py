"""`samobot doctor`: everything samobot needs, checked."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import click

from samobot.config.settings_loader import load_settings
from samobot.errors import SamobotError
from samobot.setup.checks import examine
from samobot.setup.doctor import exit_code
from samobot.system.logs import Redaction


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="A list of objects: check, level, text, remedy.")
def doctor_command(as_json: bool) -> int:
    """Check everything samobot needs, and say how to fix what is wrong.

    \b
    ✅ fine, ⚠️ works but look at it, ❌ fix it first. Exit code 1 if there is a ❌, else 0.
    """
    findings = examine(os.environ, Path.cwd())
    hide = Redaction(_secrets())
    if as_json:
        click.echo(hide(json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False)))
        return exit_code(findings)
    for finding in findings:
        click.echo(hide(f"{finding.level.mark} {finding.check}: {finding.text}"))
        if finding.remedy:
            click.echo(hide(f"   → {finding.remedy}"))
    return exit_code(findings)


def _secrets() -> list[str]:
    try:
        return [load_settings(strict=False).telegram_bot_token]
    except SamobotError:
        return [os.environ.get("TELEGRAM_BOT_TOKEN", "")]
