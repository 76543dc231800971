"""The forges that samobot knows."""

from __future__ import annotations

from samobot.fleet.forge import Forge
from samobot.fleet.github_forge import GitHub
from samobot.fleet.gitlab_forge import GitLab


def forge_at(host: str, path: str) -> Forge | None:
    """Return a repository at its forge, as far as the host's name shows which that is.

    Args:
        host: Such as `github.com`, or `gitlab.example.org`.
        path: The repository there: `owner/name`.
    """
    labels = host.split(".")
    if "github" in labels:
        return GitHub(host, path)
    return GitLab(host, path) if "gitlab" in labels else None
