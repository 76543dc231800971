"""The hostile-tool suite: commands that try to get past the fence. `docs/security.md` has its table.

`tests/claude/test_fence.py` runs each inside, and outside those that cannot harm the machine of the test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

READS = {
    "ssh key": 'cat "$HOME/.ssh/id_ed25519"',
    "cloud credentials": 'cat "$HOME/.aws/credentials"',
    "netrc": 'cat "$HOME/.netrc"',
    "git credentials": 'cat "$HOME/.git-credentials"',
    "gpg keys": 'cat "$HOME"/.gnupg/private-keys-v1.d/*',
    "firefox profile": 'cat "$HOME"/.mozilla/firefox/*/logins.json',
    "chrome profile": 'cat "$HOME/.config/google-chrome/Default/Cookies"',
    "gh token": 'cat "$HOME/.config/gh/hosts.yml"',
    "bot token": 'cat "$HOME/.config/samobot/.env"',
    "key of decisions": 'cat "$R/state/decision.key"',
    "database": 'cat "$R/state/samobot.db"',
    "other project's session": 'cat "$R"/other/sessions/*/_overview.md',
    "other conversations": 'cat "$HOME"/.claude/projects/-other/talk.jsonl',
    "through a link": 'ln -s "$HOME/.ssh" k; cat k/id_ed25519',
    "through a link in the session": 'ln -s "$R/state" "$S/k"; cat "$S/k/decision.key"',
    "through dots": 'cat "$W/../../home/.ssh/id_ed25519" "$W/../../state/decision.key"',
    "through the root of a process": "cat /proc/1/root$R/state/decision.key",
    "through the cwd of the parent": 'cat /proc/1/cwd/../../state/decision.key',
    "everything below": 'grep -r . "$R" "$HOME" 2>/dev/null',
    "hard link": 'ln "$R/state/decision.key" k; cat k',
    "find": 'find /tmp /run /home /root "$R" -name decision.key -exec cat {} \\; 2>/dev/null',
    "mount again": 'mkdir m; mount --bind "$R/state" m; cat m/decision.key',
    "unmount": 'umount "$R/state"; umount -l "$HOME"; cat "$R/state/decision.key"',
    "another namespace": 'unshare -Urm sh -c "umount -l $R/state; cat $R/state/decision.key"',
    "under what is mounted": 'mkdir m; unshare -Urm sh -c "mount --bind / m; cat m$R/state/decision.key; mount --rbind / m; umount -l m$R/state; cat m$R/state/decision.key"',
    "through processes' folders": "for p in /proc/[0-9]*; do cat $p/root$R/state/decision.key $p/cwd/../../state/decision.key $p/fd/*/../state/decision.key; done",
    "through an editor's swap file": 'cp -a "$R/state/." . ; cat decision.key',
}  # fmt: skip
"""What would print a secret."""

WRITES = {
    "home": 'echo evil >> "$HOME/.bashrc"; echo evil > "$HOME/.profile"',
    "tool on PATH": 'echo evil > "$HOME/.local/bin/tool"; echo evil > "$HOME/.local/bin/git"',
    "tool replaced": 'rm "$HOME/.local/bin/tool"; mv "$HOME/.local/bin" "$HOME/x"',
    "ssh": 'mkdir -p "$HOME/.ssh"; echo evil > "$HOME/.ssh/authorized_keys"',
    "git configuration of the user": 'git config --global core.pager evil; echo x >> "$HOME/.gitconfig"',
    "git configuration": "git config core.fsmonitor evil",
    "git ssh command": "git config core.sshCommand evil",
    "git configuration by hand": 'echo "[core]\n\tfsmonitor = evil" >> "$M/.git/config"',
    "git configuration by renaming": 'echo x > c; mv -f c "$M/.git/config"; ln -sf c "$M/.git/config"',
    "git hook": 'echo evil > "$M/.git/hooks/post-checkout"; chmod +x "$M/.git/hooks/post-checkout"',
    "git hooks moved": 'mv "$M/.git/hooks" "$M/.git/h"; mkdir "$M/.git/hooks"; echo evil > "$M/.git/hooks/pre-push"',
    "git attributes": 'mkdir -p "$M/.git/info"; echo "* filter=evil" > "$M/.git/info/attributes"',
    "git alias of the worktree": "git config --worktree alias.st '!evil'; git config extensions.worktreeConfig true",
    "git common folder": 'echo "$W/evil" > "$M/.git/commondir"; echo x > "$M/.git/worktrees/greet/commondir"',
    "git file of the worktree": 'echo "gitdir: $W/evil" > .git; rm -f .git; mv .git g',
    "git folder moved": 'mv "$M/.git" "$M/.g"; mkdir "$M/.git"',
    "setup command run again": 'rm -f "$M/.git/worktrees/greet/samobot-setup-done"; echo evil > Makefile',
    "head of the main checkout": 'echo "ref: refs/heads/evil" > "$M/.git/HEAD"; git -C "$M" checkout -b evil',
    "index of the main checkout": 'git -C "$M" rm -q --cached README.md',
    "file of the main checkout": 'echo evil >> "$M/README.md"; rm "$M/README.md"',
    "project file": 'echo SESSIONS=/x > "$M/.samocode"',
    "project's own environment": 'echo evil > "$M/.env"',
    "decisions": 'echo "{}" >> "$S/_decisions.jsonl"; rm "$S/_decisions.jsonl"; mv "$S/_decisions.jsonl" d',
    "decisions by renaming": 'echo x > d; mv -f d "$S/_decisions.jsonl"',
    "guidance": 'echo "- [ ] owner: x" >> "$S/_guidance.md"; rm -f "$S/_guidance.md"',
    "journal": 'echo "{}" >> "$S/_logs/journal.jsonl"; rm -f "$S/_logs/journal.jsonl"',
    "requests": 'echo "{\\"budget\\": 9}" > "$S/_logs/control.json"',
    "logs folder": 'mv "$S/_logs" "$S/l"; mkdir "$S/_logs"; echo "{}" > "$S/_logs/journal.jsonl"',
    "log of the iteration": 'echo "{}" >> "$S/_logs/001.jsonl"',
    "session folder": 'mv "$S" "$S.old"; mkdir "$S"',
    "another session": 'mkdir -p "$R/sessions/26-01-02-x"; touch "$R/sessions/26-01-02-x/_overview.md"',
    "state": 'echo evil > "$R/state/decision.key"; rm -rf "$R/state"',
    "settings of Claude": 'echo evil > "$HOME/.claude/settings.json"; rm -f "$HOME/.claude/settings.json"',
    "local settings of Claude": 'echo "{}" > "$HOME/.claude/settings.local.json"',
    "agents of Claude": 'mkdir -p "$HOME/.claude/agents"; echo evil > "$HOME/.claude/agents/x.md"',
    "memory of Claude": 'echo evil > "$HOME/.claude/CLAUDE.md"; mv "$HOME/.claude" "$HOME/c"',
    "servers of Claude": 'echo "{\\"mcpServers\\": {\\"x\\": 1}}" > "$HOME/.claude.json"',
    "everything": 'rm -rf "$HOME" "$M" "$R/other" "$R/state" "$S/_logs" 2>/dev/null',
    "through a link": 'ln -s "$HOME/.bashrc" b; echo evil >> b; ln -s "$M" m; echo evil >> m/README.md',
    "through dots": 'echo evil >> "$W/../../demo/README.md"; echo evil >> ../../home/.bashrc',
    "another branch": 'git branch -f main $(git commit-tree -m x HEAD^{tree}); echo x > "$M/.git/refs/heads/main"',
    "another branch deleted": 'git update-ref -d refs/heads/main; rm -f "$M/.git/refs/heads/main"; mv "$M/.git/refs/heads" "$M/.git/refs/h"',
    "another branch packed": "git pack-refs --all --prune; git symbolic-ref refs/heads/main refs/heads/greet",
    "what is mounted, in another namespace": 'unshare -Urm sh -c "umount .git $S/_decisions.jsonl $M/.git/config; mount -o remount,rw,bind $M; '
    'echo evil > .git; echo evil > $S/_decisions.jsonl; echo evil >> $M/.git/config; echo evil >> $M/README.md"',
    "remount": 'mount -o remount,rw /; mount -o remount,rw,bind "$M"; echo evil >> "$M/README.md"',
}  # fmt: skip
"""What would change a file that is not the agent's."""

SYSTEM = {
    "system folder": "echo evil > /etc/samobot-evil && echo escaped",
    "system program": "echo evil > /usr/bin/samobot-evil && echo escaped",
    "process of the machine": "kill -0 $OUTSIDE && echo escaped",
    "its environment": "cat /proc/$OUTSIDE/environ && echo escaped",
    "its memory": "cat /proc/$OUTSIDE/mem && echo escaped",
    "list of processes": "ls /proc | grep -x $OUTSIDE && echo escaped",
    "kernel setting": "echo 1 > /proc/sys/kernel/sysrq && echo escaped",
    "kernel setting that starts a program": 'v=$(cat /proc/sys/kernel/core_pattern); echo "$v" > /proc/sys/kernel/core_pattern && echo escaped',
    "clock": "date -s @$(date +%s) && echo escaped",
    "commands for later": 'for d in /var/spool/cron /var/spool/cron/crontabs /var/spool/at /etc/cron.d; do echo x > $d/samobot-evil && echo escaped; done',
    "priority": "renice -n -5 $$ && echo escaped; echo -500 > /proc/self/oom_score_adj && echo escaped",
    "a device": "head -c 1 /dev/sda && echo escaped; mknod d b 8 0 && echo escaped",
    "group of processes": "mkdir /sys/fs/cgroup/evil && echo escaped",
    "more rights": "grep -q 'NoNewPrivs:.*0' /proc/self/status && echo escaped",
    "capabilities": "grep -qv '^CapEff:.*0000000000000000' /dev/null; grep CapEff /proc/self/status | grep -v 0000000000000000 && echo escaped",
    "another root": "chroot / true && echo escaped",
    "host name": "hostname evil 2>/dev/null && echo escaped",
}  # fmt: skip
"""What would print `escaped`. `OUTSIDE` is a process of the machine."""

_NOT_TRIED_OUTSIDE = ("mount", "/proc/1/", "/proc/[", "find /tmp", "unshare")
ESCAPES = {
    name: command
    for name, command in (READS | WRITES).items()
    if not any(part in command for part in _NOT_TRIED_OUTSIDE)
}
"""Those of the first two that are tried outside as well, and succeed there."""

SYSTEM_ESCAPES = {
    name: SYSTEM[name] for name in ("process of the machine", "its environment", "list of processes")
}
"""The same of the third."""


@dataclass(frozen=True, slots=True)
class HostileTool:
    """One case as the tests assert it.

    Attributes:
        aim: What it is after.
        command: What the agent runs.
        outside: What comes of it without the fence.
        inside: What comes of it inside.
        test: The test that shows it.
    """

    aim: str
    command: str
    outside: str
    inside: str
    test: str


def hostile_tools() -> Iterator[HostileTool]:
    """All cases in their order."""
    for verb, cases, inside, test in (
        ("read", READS, "no secret is read", "test_no_secret_is_read"),
        ("change", WRITES, "nothing is changed", "test_nothing_but_its_own_is_changed"),
        ("reach", SYSTEM, "out of reach", "test_the_machine_is_out_of_reach"),
    ):
        for name, command in cases.items():
            outside = "succeeds" if name in (SYSTEM_ESCAPES if cases is SYSTEM else ESCAPES) else "not tried"
            yield HostileTool(
                f"{verb}: {name}", command, outside, inside, f"tests/claude/test_fence.py::{test}"
            )
