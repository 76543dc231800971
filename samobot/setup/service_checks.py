"""Which services `samobot doctor` judges on a machine, and how they stand."""

from __future__ import annotations

from collections.abc import Mapping

from samobot.config.settings import Settings
from samobot.hosts.link import host_link_file, hub_link_file
from samobot.session.files import read_text
from samobot.setup import doctor
from samobot.setup.doctor import Finding
from samobot.system.service import Service, ServiceState
from samobot.system.service_manager import service_manager


def service_findings(settings: Settings, environ: Mapping[str, str]) -> list[Finding]:
    """Look at the services that belong on this machine: the bot, unless it is a host alone, and the hub or the host.

    Args:
        settings: The configuration.
        environ: The environment.
    """
    state_dir = settings.samobot_state_dir
    is_host = host_link_file(state_dir).exists()
    is_here = {
        Service.BOT: bool(settings.telegram_bot_token) or not is_host,
        Service.HUB: hub_link_file(state_dir).exists(),
        Service.HOST: is_host,
    }
    return [_finding(environ, each) for each, wanted in is_here.items() if wanted]


def _finding(environ: Mapping[str, str], which: Service) -> Finding:
    manager = service_manager()
    state, hints = manager.service_state(environ, which), manager.hints(which)
    if state in (ServiceState.NO_MANAGER, ServiceState.ABSENT):
        return doctor.service(state, None, True, hints, which)
    installed = read_text(manager.definition_path(environ, which))
    if installed is None:  # a distribution's or an administrator's own; not ours to compare
        return doctor.service(state, manager.lingers(environ), True, hints, which)
    written = manager.render_here(environ, which)
    current = manager.without_variables(installed) == manager.without_variables(written)
    return doctor.service(state, manager.lingers(environ), current, hints, which)
