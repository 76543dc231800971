"""Why a shell command is risky: it deletes, publishes, reaches other machines or secrets, or leaves the project.

Recognized from the command's text alone. A program that it starts, a script or a build, may do anything: this keeps an
agent from mistakes, and the fence keeps it from the rest. Pure.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from samobot.claude.git_risk import ADDRESS, REMOTE_COPY, git_reasons
from samobot.claude.risk_places import RiskPlaces, is_secret, runs_later
from samobot.claude.risk_reasons import (
    CONTAINERS,
    DATABASE,
    DELETES,
    EDITS,
    ELSEWHERE,
    INSTALLS,
    KEPT,
    MACHINE,
    MADE_UP,
    NETWORK,
    OUTSIDE,
    PUBLISHES,
    RIGHTS,
    RUNS_LATER,
    SECRETS,
)
from samobot.claude.shell_commands import DYNAMIC, ShellCommand, UnclearCommandError, shell_commands

_NAMES = {
    NETWORK: "curl wget nc ncat netcat socat telnet ftp lftp sftp ssh scp rclone aria2c mosh sshpass ngrok cloudflared",
    RIGHTS: "sudo doas su pkexec runuser chroot unshare nsenter mount umount setcap capsh gdb strace",
    MACHINE: "systemctl service launchctl initctl crontab at batch shutdown reboot halt poweroff init telinit useradd "
    "userdel usermod groupadd passwd chpasswd visudo iptables ip6tables nft ufw firewall-cmd sysctl modprobe insmod "
    "rmmod fdisk parted sfdisk mkswap swapon swapoff wipefs hdparm loginctl timedatectl hostnamectl update-rc.d "
    "pkill killall skill xdotool osascript",
    DELETES: "shred dd mkfs truncate srm wipe",
    INSTALLS: "apt apt-get aptitude dpkg yum dnf rpm pacman zypper apk brew port snap flatpak nix-env pipx",
    ELSEWHERE: "kubectl helm terraform tofu terragrunt pulumi ansible ansible-playbook aws gcloud gsutil az doctl heroku "
    "fly flyctl vercel netlify wrangler firebase railway serverless sls cdk sam supabase eksctl oc nomad consul vault",
    DATABASE: "psql mysql mariadb mongosh mongo redis-cli dropdb createdb dropuser pg_restore mysqladmin cqlsh clickhouse "
    "clickhouse-client sqlcmd influx",
    PUBLISHES: "gh glab hub twine sendmail mail mailx mutt",
}
_BY_NAME = {name: reason for reason, names in _NAMES.items() for name in names.split()}

_CONTAINERS = frozenset(
    {"docker", "podman", "nerdctl", "buildah", "docker-compose", "podman-compose", "skopeo"}
)
_HARMLESS_CONTAINER = frozenset(
    {"ps", "images", "logs", "inspect", "version", "info", "stats", "top", "port"}
)
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "fish", "ash"})
_INTERPRETERS = _SHELLS | {"python", "python3", "node", "perl", "ruby", "php"}
_WRAPPERS = frozenset(
    {"env", "nohup", "timeout", "nice", "time", "command", "builtin", "exec", "stdbuf", "setsid", "ionice", "chronic",
     "unbuffer", "watch", "xargs", "busybox", "parallel", "script"}
)  # fmt: skip
_TAKES_VALUE = frozenset(
    {"-u", "-C", "-S", "-n", "-k", "-s", "-I", "-P", "-L", "-d", "-a", "-i", "-o", "-e", "-c"}
)
_WRITERS = frozenset(
    {"cp", "mv", "ln", "install", "tee", "touch", "mkdir", "chmod", "chown", "chgrp", "rm", "rmdir", "unlink", "sed",
     "patch", "rsync", "tar", "unzip", "split", "perl"}
)  # fmt: skip
_COPIES = frozenset({"cp", "ln", "install", "rsync"})
"""What they write is named last."""

_IN_PLACE = {"sed": re.compile(r"-[a-zA-Z]*i|--in-place"), "perl": re.compile(r"-[a-zA-Z]*i")}
_PUBLISHING = {
    "npm": "publish unpublish deprecate owner", "pnpm": "publish", "yarn": "publish npm", "bun": "publish",
    "cargo": "publish yank owner login", "gem": "push yank", "poetry": "publish", "uv": "publish", "flit": "publish",
    "hatch": "publish", "mvn": "deploy release:perform", "gradle": "publish", "lerna": "publish", "dotnet": "nuget",
}  # fmt: skip
_DROPS = re.compile(
    r"db:(?:drop|reset|rollback|truncate)|migrate:(?:reset|fresh|rollback)|migrate reset|\bflush\b.*--no-?input|sqlflush"
    r"|alembic downgrade"
)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104  # an address to reach, not to listen on


def shell_reasons(text: str, places: RiskPlaces, *, edits: bool = False) -> tuple[str, ...]:
    """Return why a command line is risky, as clauses; empty if it is not.

    Args:
        text: The command line.
        places: Where it runs.
        edits: Whether each recognizable change of a file counts as well.
    """
    try:
        found = dict.fromkeys(_Line(places, edits).reasons(text, 0))
    except UnclearCommandError as error:
        return (f"cannot be understood: {error}",)
    return tuple(found)


class _Line:
    """One command line; follows where `cd` leads."""

    def __init__(self, places: RiskPlaces, edits: bool) -> None:
        self._places = places
        self._edits = edits
        self._base: str | None = os.fspath(places.work_dir)

    def reasons(self, text: str, depth: int) -> Iterator[str]:
        if depth > 4:
            raise UnclearCommandError("it is nested too deeply")
        if _DROPS.search(text):
            yield DATABASE
        for command in shell_commands(text):
            yield from self._command(command, command.words, depth)
            yield from self._files(command)

    def _command(self, command: ShellCommand, words: Sequence[str], depth: int) -> Iterator[str]:
        if any(
            each.startswith(("LD_PRELOAD=", "LD_LIBRARY_PATH=", "GIT_SSH", "PROMPT_COMMAND=", "BASH_ENV="))
            for each in command.assignments
        ):
            yield MADE_UP
        if not words:
            return
        name = os.path.basename(words[0])
        if DYNAMIC in words[0]:
            yield MADE_UP
            return
        arguments = words[1:]
        if name in ("cd", "pushd"):
            self._enter(arguments)
        elif name in _WRAPPERS:
            yield from self._command(command, _unwrapped(name, arguments), depth + 1) if depth < 8 else ()
        elif name in _SHELLS:
            yield from self._shell(command, arguments, depth)
        elif name == "eval":
            yield from self._eval(arguments, depth)
        elif name == "git":
            yield from git_reasons(arguments)
        elif name == "find":
            yield from self._find(command, arguments, depth)
        elif name in _CONTAINERS:
            first = next((each for each in arguments if not each.startswith("-")), "")
            if first == "push":
                yield PUBLISHES
            elif first not in _HARMLESS_CONTAINER and arguments not in (("--version",), ()):
                yield CONTAINERS
        elif name in _BY_NAME:
            reason = _BY_NAME[name]
            if not (reason == NETWORK and _is_local(arguments)) and arguments not in (
                ("--version",),
                ("--help",),
            ):
                yield reason
        elif name in _PUBLISHING and any(each in _PUBLISHING[name].split() for each in arguments):
            yield PUBLISHES
        elif (
            (
                name in ("npm", "pnpm", "yarn", "bun")
                and any(each in ("-g", "--global", "global") for each in arguments)
            )
            or (
                name in ("pip", "pip3")
                and any(each in ("--break-system-packages", "--user") for each in arguments)
            )
            or (name, *arguments[:1]) in (("cargo", "install"), ("go", "install"), ("gem", "install"))
        ):
            yield INSTALLS
        elif name == "rsync" and any(REMOTE_COPY.match(each) for each in arguments):
            yield NETWORK
        elif (name == "rm" and any(_is_recursive(each) for each in arguments)) or name.startswith("mkfs"):
            yield DELETES
        if (
            command.piped
            and name in _INTERPRETERS
            and not [each for each in arguments if each not in ("-", "-s")]
        ):
            yield MADE_UP

    def _shell(self, command: ShellCommand, arguments: Sequence[str], depth: int) -> Iterator[str]:
        for index, word in enumerate(arguments):
            if word.startswith("-") and not word.startswith("--") and "c" in word:
                script = arguments[index + 1] if index + 1 < len(arguments) else ""
                if DYNAMIC in script:
                    yield MADE_UP
                yield from self.reasons(script.replace(DYNAMIC, "$X"), depth + 1)
                return

    def _eval(self, arguments: Sequence[str], depth: int) -> Iterator[str]:
        script = " ".join(arguments)
        if DYNAMIC in script:
            yield MADE_UP
        yield from self.reasons(script.replace(DYNAMIC, "$X"), depth + 1)

    def _find(self, command: ShellCommand, arguments: Sequence[str], depth: int) -> Iterator[str]:
        for index, word in enumerate(arguments):
            if word == "-delete":
                yield DELETES
            elif word in ("-exec", "-execdir", "-ok", "-okdir"):
                inner = arguments[index + 1 :]
                end = next((at for at, each in enumerate(inner) if each in (";", "+")), len(inner))
                yield from self._command(command, inner[:end], depth + 1)
                if os.path.basename(inner[0] if inner else "") == "rm":
                    yield DELETES

    def _enter(self, arguments: Sequence[str]) -> None:
        target = next((each for each in arguments if not each.startswith("-") or each == "-"), "~")
        self._base = (
            None if self._base is None or target == "-" else self._places.absolute(target, self._base)
        )

    def _files(self, command: ShellCommand) -> Iterator[str]:
        """What the command does to files that its arguments and redirections name."""
        words = _innermost(command.words)
        name = os.path.basename(words[0]) if words else ""
        writes = name in _WRITERS and (
            name not in _IN_PLACE or any(_IN_PLACE[name].match(each) for each in words[1:])
        )
        for word in words[1:]:
            value = word.partition("=")[2] if word.startswith("-") else word
            if value and (is_secret(value) or is_secret(self._absolute(value) or "")):
                yield SECRETS
            if writes and value and not ADDRESS.match(value) and (name not in _COPIES or word is words[-1]):
                yield from self._written(value, only_paths=True)
        for redirection in command.redirections:
            if is_secret(redirection.target):
                yield SECRETS
            if redirection.writes:
                yield from self._written(redirection.target)
        if writes and self._edits and name not in ("mkdir",) and not self._is_all_scratch(words[1:]):
            yield EDITS

    def _written(self, target: str, *, only_paths: bool = False) -> Iterator[str]:
        path = self._absolute(target)
        if path is None:
            # A relative path below an unknown folder, or one that is not known before it runs.
            if self._base is None and not only_paths:
                yield OUTSIDE
            return
        if self._places.is_kept(path):
            yield KEPT
        elif runs_later(path) and not self._places.is_of_session(path):
            yield RUNS_LATER
        if not self._places.is_own(path):
            yield OUTSIDE
        elif self._edits and not only_paths and not self._places.is_of_session(path):
            yield EDITS

    def _is_all_scratch(self, arguments: Sequence[str]) -> bool:
        named = [each for each in arguments if not each.startswith("-")]
        paths = [self._absolute(each) for each in named]
        return bool(paths) and all(path is not None and self._places.is_of_session(path) for path in paths)

    def _absolute(self, path: str) -> str | None:
        if self._base is None and not path.startswith(("/", "~")):
            return None
        return self._places.absolute(path, self._base)


def _unwrapped(name: str, arguments: Sequence[str]) -> Sequence[str]:
    """The command that a wrapper starts."""
    rest = list(arguments)
    while rest and (rest[0].startswith("-") or (name == "env" and "=" in rest[0])):
        option = rest.pop(0)
        if option in _TAKES_VALUE and rest and name not in ("time", "command", "builtin", "exec"):
            rest.pop(0)
    if name == "timeout" and rest:
        rest.pop(0)
    return rest


def _innermost(words: Sequence[str]) -> Sequence[str]:
    for _ in range(8):
        if not words or os.path.basename(words[0]) not in _WRAPPERS:
            break
        words = _unwrapped(os.path.basename(words[0]), words[1:])
    return words


def _is_recursive(word: str) -> bool:
    return word == "--recursive" or (
        word.startswith("-") and not word.startswith("--") and any(sign in word for sign in "rR")
    )


def _is_local(arguments: Sequence[str]) -> bool:
    """Whether every address is of this machine, and there is one."""
    named = [each for each in arguments if not each.startswith("-")]
    addresses = [each for each in named if ADDRESS.match(each) or _host(f"//{each}") in _LOOPBACK]
    return bool(addresses) and all(
        _host(each if "//" in each else f"//{each}") in _LOOPBACK for each in addresses
    )


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
