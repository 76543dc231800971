"""The environment of git: nothing that leads it to another repository, asks the user, or is a secret."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from samobot.session.git_config import Entry, overrides, trusted_value
from samobot.session.git_seal import repository_folders
from samobot.session.search_path import own_environment

# What git gets of our environment. Secrets have names of their own, so it is a list of what is passed.
_PASSED = frozenset(
    [
        "HOME",
        "PATH",
        "USER",
        "LOGNAME",
        "SHELL",
        "TMPDIR",
        "TZ",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
        "XDG_DATA_HOME",
        "XDG_RUNTIME_DIR",
        "DBUS_SESSION_BUS_ADDRESS",
        "SSH_AUTH_SOCK",
        "SSH_AGENT_PID",
        "GNUPGHOME",
        "KRB5CCNAME",
        "LD_LIBRARY_PATH",
        "NIX_SSL_CERT_FILE",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "CURL_CA_BUNDLE",
        "SYSTEMROOT",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "GIT_EXEC_PATH",
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "GIT_SSH_VARIANT",
        "GIT_SSL_CAINFO",
        "GIT_SSL_CAPATH",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_SYSTEM",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CONFIG_COUNT",
        "GIT_AUTHOR_NAME",
        "GIT_AUTHOR_EMAIL",
        "GIT_COMMITTER_NAME",
        "GIT_COMMITTER_EMAIL",
    ]
)
_PASSED_PREFIXES = ("GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_")

_NEVER_ASK = {
    "GIT_TERMINAL_PROMPT": "0",
    # Without these, a helper could open a window and ask for a password.
    "GIT_ASKPASS": "true",
    "SSH_ASKPASS": "true",
    "SSH_ASKPASS_REQUIRE": "never",
    "GIT_EDITOR": "true",
    "GIT_SEQUENCE_EDITOR": "true",
    "GIT_PAGER": "cat",
    "GIT_PROXY_COMMAND": "",  # set but empty: `core.gitProxy` is not read
    "GIT_OPTIONAL_LOCKS": "0",
    # An agent may write `refs/replace`: what is shown of a commit would not be what is merged.
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C",
}
_SSH = "ssh -oBatchMode=yes -oConnectTimeout=15"


def git_environment(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the environment of git in a folder, from that of this process."""
    passed = {
        key: value for key, value in environ.items() if key in _PASSED or key.startswith(_PASSED_PREFIXES)
    }
    # A program of the repository must not stand in for git or ssh.
    return own_environment(passed, *repository_folders(folder)) | _NEVER_ASK


def configuration_overrides(environment: Mapping[str, str], entries: list[Entry]) -> dict[str, str]:
    """Return the variables by which the repository's programs do not count, beside those of an environment."""
    added: dict[str, str] = {}
    own_ssh = trusted_value(entries, "core.sshcommand")
    if "GIT_SSH" not in environment and "GIT_SSH_COMMAND" not in environment:
        added["GIT_SSH_COMMAND"] = own_ssh or _SSH
    count = int(environment.get("GIT_CONFIG_COUNT") or 0)  # git has accepted it for the listing
    for key, value in overrides(entries):
        added[f"GIT_CONFIG_KEY_{count}"] = key
        added[f"GIT_CONFIG_VALUE_{count}"] = value
        count += 1
    return added | {"GIT_CONFIG_COUNT": str(count)}
