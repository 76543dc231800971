"""What `samobot hub check` and `samobot doctor` look at on a hub and on a host."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from nats.errors import Error, NoRespondersError

from samobot.config.modes import HostAlone
from samobot.config.settings_loader import load_settings
from samobot.errors import SamobotError
from samobot.hosts import subjects
from samobot.hosts.certificates import RENEWED_BEFORE
from samobot.hosts.hub_messages import Beat
from samobot.hosts.hub_registry import HubRegistry
from samobot.hosts.hub_server import is_running
from samobot.hosts.joining import connect
from samobot.hosts.link import Link, host_link_file, hub_link_file, read_link
from samobot.hosts.server_binary import server_binary, server_version
from samobot.setup.doctor import Finding, Level
from samobot.system.clock import utc_now

_SECONDS = 10.0


def examine_hosts(state_dir: Path, environ: Mapping[str, str]) -> list[Finding]:
    """Look at this machine's part in several machines; nothing if it has none. Never raises.

    Args:
        state_dir: The state folder.
        environ: The environment.
    """
    findings = examine_hub(state_dir, environ) if HubRegistry(state_dir).exists else []
    try:
        link = read_link(host_link_file(state_dir))
        if link is not None:
            alone = load_settings(environ, strict=False).samobot_host_alone
            findings += [_host(link, alone), _alone(alone)]
    except SamobotError as error:
        findings.append(Finding("Host", Level.ERROR, error.message))
    return findings


def examine_hub(state_dir: Path, environ: Mapping[str, str]) -> list[Finding]:
    """Look at this machine's hub. Never raises.

    Args:
        state_dir: The state folder.
        environ: The environment.
    """
    try:
        registry = HubRegistry(state_dir)
        record = registry.record()
        findings = [
            _binary(environ),
            _certificate(registry.certificate_ends_at, utc_now()),
            _folder(registry),
        ]
        link = read_link(hub_link_file(state_dir))
        if link is None or not is_running(registry):
            remedy = "Run: samobot install-service --hub" if link is not None else "Run: samobot hub init"
            return [
                *findings,
                Finding("Hub", Level.ERROR, "its server does not run: hosts cannot connect", remedy),
            ]
        return [*findings, *_reached(link, [host.name for host in record.hosts])]
    except SamobotError as error:
        return [Finding("Hub", Level.ERROR, error.message)]


def _binary(environ: Mapping[str, str]) -> Finding:
    try:
        binary = server_binary(environ)
        version = ".".join(str(part) for part in server_version(binary))
    except SamobotError as error:
        return Finding("Hub's nats-server", Level.ERROR, error.message)
    return Finding("Hub's nats-server", Level.OK, f"{version} at {binary}")


def _certificate(ends: datetime, now: datetime) -> Finding:
    days = (ends - now).days
    if ends <= now:
        remedy = "Restart the hub: it makes a new one."
        return Finding("Hub's certificate", Level.ERROR, "it has ended, so no host connects", remedy)
    if ends - now < RENEWED_BEFORE:
        text = f"it ends in {days} days, and should have been renewed"
        return Finding("Hub's certificate", Level.WARNING, text, "Restart the hub: it makes a new one.")
    return Finding("Hub's certificate", Level.OK, f"valid for {days} days, renewed automatically")


def _folder(registry: HubRegistry) -> Finding:
    mode = registry.folder.stat().st_mode & 0o777
    if mode & 0o077:
        remedy = f"Run: chmod 700 {registry.folder}"
        return Finding(
            "Hub's keys", Level.ERROR, f"others may read {registry.folder} (mode {mode:o})", remedy
        )
    return Finding("Hub's keys", Level.OK, "only you can read them")


def _reached(link: Link, hosts: list[str]) -> list[Finding]:
    try:
        away = asyncio.run(_absent(link, hosts))
    except (SamobotError, Error, OSError, TimeoutError) as error:
        remedy = "Look at hub.log in the state folder, or restart the hub."
        text = f"its server cannot be used: {error or type(error).__name__}"
        return [Finding("Hub", Level.ERROR, text, remedy)]
    findings = [Finding("Hub", Level.OK, f"its server answers at {', '.join(link.servers)}")]
    if not hosts:
        return [*findings, Finding("Hosts", Level.OK, "none yet; add one with samobot host add NAME")]
    if away is None:
        remedy = "Start or restart the bot: it reads at its start that there is a hub."
        return [
            *findings,
            Finding("Hosts", Level.WARNING, "the bot was never connected to the server", remedy),
        ]
    if away:
        remedy = "Look there: samobot doctor; or remove what is gone: samobot host remove NAME"
        return [*findings, Finding("Hosts", Level.WARNING, f"not reachable: {', '.join(away)}", remedy)]
    return [*findings, Finding("Hosts", Level.OK, f"all reachable: {', '.join(hosts)}")]


async def _absent(link: Link, hosts: list[str]) -> list[str] | None:
    """The hosts that the bot cannot reach, as their last beats show; None if it has not prepared the server for any."""
    client = await connect(link, subjects.inbox(link.user), (link.seed or Path()).read_text(encoding="utf-8"))
    try:
        absent = []
        for host in hosts:
            asked = f"$JS.API.DIRECT.GET.KV_{subjects.BEATS}.{subjects.beat(host)}"
            try:
                answer = await client.request(asked, b"", timeout=_SECONDS)
            except NoRespondersError:
                return None
            except Error:
                absent.append(host)
                continue
            problem = _problem_of(answer.data)
            if problem is not None:
                absent.append(f"{host}{problem}")
        return absent
    finally:
        await client.close()


def _problem_of(content: bytes) -> str | None:
    """What keeps the bot from reaching the host that sent this beat; None if nothing does."""
    try:
        beat = Beat.model_validate_json(content)
    except ValueError:
        return ""
    if not beat.is_spoken_here:
        return f" (samobot {beat.version}, which this one does not understand; update the older one)"
    return "" if beat.is_last else None


def _alone(policy: HostAlone) -> Finding:
    if policy is HostAlone.PAUSE:
        text = "its sessions wait before their next iteration"
    else:
        text = "its sessions continue; of other machines' costs only what was last known counts"
    return Finding("Host cut off", Level.OK, f"{text} (SAMOBOT_HOST_ALONE={policy})")


def _host(link: Link, alone: HostAlone) -> Finding:
    async def look() -> None:
        seed = (link.seed or Path(os.devnull)).read_text(encoding="utf-8")
        await (await connect(link, subjects.inbox(link.user), seed)).close()

    try:
        asyncio.run(look())
    except (SamobotError, OSError) as error:
        text = error.message if isinstance(error, SamobotError) else str(error)
        waiting = "wait" if alone is HostAlone.PAUSE else "continue"
        remedy = f"Sessions here {waiting}; see whether the hub runs, and `samobot host list` there."
        return Finding("Host", Level.ERROR, f"{link.user} cannot connect: {text}", remedy)
    return Finding("Host", Level.OK, f"{link.user} is let in by {', '.join(link.servers)}")
