"""The user's logins at forges and remotes, kept from an agent: what it made is pushed and merged by the user alone.

Without the fence that is no wall: what is on the disk (ssh keys, a forge tool's own file) is within an agent's reach.
"""

from __future__ import annotations

FORGE_TOKENS = frozenset(
    {
        "GH_TOKEN",
        "GITHUB_TOKEN",
        "GH_ENTERPRISE_TOKEN",
        "GITHUB_ENTERPRISE_TOKEN",
        "GITLAB_TOKEN",
        "GITLAB_ACCESS_TOKEN",
        "OAUTH_TOKEN",
        "CI_JOB_TOKEN",
    }
)
"""Variables that log `gh` and `glab` in."""

_WAYS_OF_GIT = frozenset(
    {"SSH_AUTH_SOCK", "SSH_AGENT_PID", "SSH_ASKPASS", "GIT_ASKPASS", "GIT_SSH", "GIT_SSH_COMMAND"}
)
"""Variables by which git and ssh find a key, or a program that knows a password."""


def withhold_logins(env: dict[str, str]) -> None:
    """Take the user's logins out of an agent's environment, and let its git ask no credential helper.

    An empty `credential.helper` that comes after all others empties git's list of helpers, those for single hosts
    included (gitcredentials(7)).
    """
    for name in FORGE_TOKENS | _WAYS_OF_GIT:
        env.pop(name, None)
    given = env.get("GIT_CONFIG_COUNT", "")
    count = int(given) if given.isascii() and given.isdigit() else 0
    env[f"GIT_CONFIG_KEY_{count}"] = "credential.helper"
    env[f"GIT_CONFIG_VALUE_{count}"] = ""
    env["GIT_CONFIG_COUNT"] = str(count + 1)
    # git must fail instead of waiting for a terminal.
    env["GIT_TERMINAL_PROMPT"] = "0"
