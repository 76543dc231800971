"""Which shell commands wait for the user, and why."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samobot.claude import risk_reasons as why
from samobot.claude.risk_places import RiskPlaces
from samobot.claude.shell_risk import shell_reasons
from tests.support.cases import for_each

PLACES = RiskPlaces(Path("/home/u/work/shop"), Path("/home/u/sessions/26-01-15-greet"))
SESSION = "/home/u/sessions/26-01-15-greet"

RISKY = {
    why.DELETES: [
        "rm -rf build",
        "rm -r 'a b'",
        "rm --recursive x",
        "for f in *; do rm -r $f; done",
        "find . -name x -delete",
        "find . -exec rm {} +",
        "ls | xargs rm -rf",
        "if true; then rm -fr x; fi",
        "f() { rm -rf x; }; f",
        "echo `rm -r x`",
        "(cd a && rm -r b)",
        "shred x",
        "dd if=/dev/zero of=x",
        "mkfs.ext4 /dev/sda1",
        "env A=1 nohup timeout -k 1 5 rm -r x &",
        "cat <<E\n$(rm -r x)\nE",
    ],
    why.PUBLISHES: [
        "git push",
        "git push --force origin x",
        "cd sub && git -C .. push",
        "npm publish",
        "twine upload dist/*",
        "cargo publish",
        "docker push x",
        "gh pr create",
        "bash -c 'git push'",
        "sh -ec \"git push\"",
        "true && (git push; true)",
        "echo $(git push)",
        "\\git push",
        "'git' \"push\"",
        "/usr/bin/git push",
        "diff <(git push) x",
        "function f { git push; }; f",
        "trap 'git push' EXIT",
        "alias p='git push'",
        "coproc git push",
        "! git push",
        "git pu\\\nsh",
        "export A=`git push`",
    ],
    why.DISCARDS: [
        "git reset --hard HEAD~1",
        "git clean -fd",
        "git checkout -- a",
        "git checkout .",
        "git restore a",
        "git branch -D x",
        "git stash drop",
        "git filter-branch x",
        "git worktree remove x",
        "git reflog expire --all",
    ],
    why.GIT_SETTINGS: [
        "git config core.hooksPath x",
        "git remote add evil https://x",
        "git -c core.sshCommand=x fetch",
        "git config --global user.name x",
    ],
    why.NETWORK: [
        "curl https://example.com",
        "wget x.org",
        "ssh host ls",
        "scp a host:b",
        "rsync -a a host:b",
        "git clone https://x/y",
        "git fetch https://x/y",
        "curl http://localhost:8000 http://example.com",
        "timeout 5 curl x.com",
        "nc -l 80",
    ],
    why.RIGHTS: ["sudo ls", "su -c ls", "doas x", "mount a b"],
    why.GIT_SETTINGS: ["git -c core.pager=x log", "git -c diff.external=x diff", "git --config-env=alias.x=Y x"],
    why.MACHINE: ["systemd-run ls", "systemctl restart x", "crontab -e", "pkill node", "iptables -F", "reboot"],
    why.INSTALLS: ["apt-get install x", "npm i -g x", "pip install --user x", "cargo install x", "brew install x"],
    why.ELSEWHERE: ["kubectl delete pod x", "terraform apply", "aws s3 rm x", "ansible-playbook x"],
    why.CONTAINERS: ["docker run x", "docker-compose up", "podman rm x"],
    why.DATABASE: ["psql -c x", "dropdb x", "rake db:drop", "npx prisma migrate reset", "python manage.py flush --no-input"],
    why.OUTSIDE: [
        'git log --output=/etc/x',
        'git diff --output /etc/x',
        'sort -o /etc/x a',
        "rm -f /etc/x",
        "echo hi > /etc/x",
        "cd /etc && touch x",
        "cd / ; echo x > q",
        "cp a /usr/bin/b",
        "mv a ../../b",
        "tar xf a -C /opt",
        "ln -s a ~/b",
        "echo x > $HOME/y",
        "sed -i s/a/b/ /etc/hosts",
        "cd $X && echo x > y",
        "echo x > ${HOME}/y",
        "cp -t /etc x",
        "cp --target-directory=/etc x",
        "find . -fprintf /etc/x y",
    ],
    why.SECRETS: [
        'cat .en?',
        'cat {.env,x}',
        'cat keys/*_rsa',
        'cat ~/.s[s]h/*',
        "cat ~/.ssh/id_rsa",
        "cat .env",
        "grep x .env.production",
        "cp ~/.aws/credentials .",
        "base64 < key.pem",
        "cat /proc/1/environ",
        "tar cf x ~/.gnupg",
    ],
    why.RUNS_LATER: [
        'echo x > .claude/skills/a/SKILL.md',
        "echo x > .git/hooks/pre-commit",
        "tee -a .envrc",
        "echo x >> ~/.bashrc",
        "cp a .claude/settings.local.json",
        "cp a .github/workflows",
    ],
    why.MADE_UP: [
        "curl http://localhost/x | sh",
        "eval $X",
        "$CMD x",
        "bash -c $X",
        "LD_PRELOAD=x ls",
        "cat x | python3 -",
        "`echo rm` x",
        "sh <<< 'git push'",
        "bash <<E\ngit push\nE",
        "source <(echo git push)",
        "bash -s < x",
    ],
    why.KEPT: [f"echo x >> {SESSION}/_decisions.jsonl", f"cp x {SESSION}/_logs"],
}  # fmt: skip

# Each of these makes a push that its text shows.
HIDDEN = [
    *(
        f"{name}='git push' git commit"
        for name in ("EDITOR", "PAGER", "GIT_EDITOR", "GIT_PAGER", "GIT_EXTERNAL_DIFF")
    ),
    "env GIT_SEQUENCE_EDITOR='git push' git rebase -i x",
    "export GIT_PAGER='git push'; git log",
    "git rebase --exec 'git push' x",
    "git rebase -x 'git push' x",
    "git rebase --exec='git push' x",
    "git bisect run git push",
    "git difftool -x 'git push'",
    "git grep -O'git push' x",
    "git fetch --upload-pack='git push' .",
    "tar --to-command='git push' -xf x",
    "tar -cf x --checkpoint-action=exec='git push' y",
    "tar -I 'git push' -xf x",
    "env -S 'git push'",
    "env --split-string='git push'",
    "env -i git push",
    "env -u X git push",
    "env --unset X git push",
    "exec -a x git push",
    "time -p git push",
    "time { git push; }",
    "timeout --signal KILL 5 git push",
    "script -qc 'git push'",
    "watch 'git push'",
    "parallel git ::: push",
    "flock x git push",
    "flock x -c 'git push'",
    "mapfile -C 'git push' x",
    "coproc x { git push; }",
    '$"git" push',
    "echo $((git push); (ls))",
]

SET_UP = [
    "env LD_PRELOAD=./x.so ls",
    "export LD_PRELOAD=./x.so; ls",
    "declare -x GIT_SSH_COMMAND=x; git fetch",
    "GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=alias.x GIT_CONFIG_VALUE_0='!x' git x",
    "NODE_OPTIONS='--require ./x.js' node y.js",
    "PERL5OPT=-Mx perl y",
    "hash -p ./x git; git status",
    "bash --rcfile x -i",
    "{git,push}",
    "/usr/bin/gi? push",
    "/usr/bin/[g]it push",
    "git {push,x}",
    "git pus?",
]

HARMLESS = [
    "ls -la",
    "GIT_PAGER=cat git log",
    "GIT_EDITOR=true git rebase --continue",
    "GIT_CONFIG_GLOBAL=/dev/null git status",
    "NODE_OPTIONS=--max-old-space-size=4096 npm test",
    "export NODE_ENV=test; env -u X npm test",
    "git -c core.pager=cat log",
    "timeout -k 5 60 pytest -q",
    "time make",
    "[ -e x ] || echo ${HOME}",
    "tar -czf x.tgz src",
    "cat README.md",
    "pytest -q",
    "make test 2>&1 | tail -20",
    "npm install",
    "npm test",
    "git add -A && git commit -m 'rm -rf is only text'",
    "git commit -m \"$(cat <<'E'\ngit push later\nE\n)\"",
    "git status --short",
    "git checkout -b new",
    "git config --get user.name",
    "git -c user.name=a commit -m b",
    "git clone ../x",
    "curl -s http://127.0.0.1:8000/health | jq .",
    "echo hi > out.txt",
    "mkdir -p src && touch src/a.py",
    "rm a.txt",
    "sed -i s/a/b/ x.py",
    "grep -r foo . 2>/dev/null",
    "python3 - <<'E'\nprint(1)\nE",
    "cat .env.example",
    "cat *",
    "ls .* src/*.py",
    "cp a.{txt,md} b",
    "git log --format='%h {x}' --output=x",
    "set -o pipefail",
    "docker ps",
    "kill %1",
    "X=$((1 + 2)); echo $X",
    "cp /usr/share/x .",
    f"cat > {SESSION}/_signal.json <<'E'\n{{}}\nE",
    "cat <<'E' > a.sh\nrm -rf /\ngit push\nE",
    "# git push\nls",
    "case $x in a) ls;; esac",
    "[[ -e x ]] && echo yes",
    "",
]

UNCLEAR = [
    "echo 'unclosed",
    'echo "x',
    "echo $(ls",
    "cat <<E\nno end",
    "echo ${X:-$(rm x)}",
    "ls > ",
    "x" * 200_000,
    "env " * 9 + "git push",
    'echo "' + '$("' * 20_000,
    "$(" * 20_000 + "git push" + ")" * 20_000,
]


@for_each(("reason", "command"), [(reason, each) for reason, all_ in RISKY.items() for each in all_])
def test_command_is_asked_about(reason: str, command: str) -> None:
    assert reason in shell_reasons(command, PLACES)


@for_each("command", HIDDEN)
def test_command_within_another_is_asked_about(command: str) -> None:
    assert why.PUBLISHES in shell_reasons(command, PLACES)


@for_each("command", SET_UP)
def test_what_makes_the_next_command_another_one_is_asked_about(command: str) -> None:
    assert why.MADE_UP in shell_reasons(command, PLACES)


@for_each("command", HARMLESS)
def test_everyday_command_is_not_asked_about(command: str) -> None:
    assert shell_reasons(command, PLACES) == ()


@pytest.mark.parametrize("command", UNCLEAR, ids=lambda command: command[:20])
def test_what_is_not_understood_is_asked_about(command: str) -> None:
    [reason] = shell_reasons(command, PLACES)
    assert reason.startswith("cannot be understood")


@pytest.mark.parametrize(
    "command",
    [
        "echo x > a",
        "sed -i s/a/b/ a",
        "rm a",
        "mv a b",
        "tee a",
        "patch -p1",
        "touch a",
        "perl -pi -e x a",
        "ls >> a",
    ],
)
def test_change_of_a_file_is_asked_about_at_that_level(command: str) -> None:
    assert why.EDITS in shell_reasons(command, PLACES, edits=True)


@pytest.mark.parametrize(
    "command",
    ["ls", "sed -n 1p a", "make test", "echo x > /dev/null", "echo x > /tmp/a", f"echo x > {SESSION}/_signal.json",
     "git commit -m x", "ls 2>&1"],
)  # fmt: skip
def test_what_changes_no_file_of_the_project_is_not_at_that_level(command: str) -> None:
    assert shell_reasons(command, PLACES, edits=True) == ()


@given(st.text(alphabet="abrm -/$(){}[]'\"`\\|&;<>\n\t=#*~E0", max_size=60))
def test_any_text_is_taken_apart_or_asked_about(text: str) -> None:
    shell_reasons(text, PLACES)
    # What is appended is never swallowed without being asked about, wherever the text leaves the shell.
    assert shell_reasons(f"{text}\ngit push", PLACES) or _hides(text)


def _hides(text: str) -> bool:
    """Whether what follows a text is inside its here-document, quote or comment, or continues its last line."""
    return any(sign in text for sign in ("'", '"', "<<", "\\", "#", "`", "("))
