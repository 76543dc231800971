"""Programs by what a call of them does, for `samobot.claude.shell_risk`."""

from __future__ import annotations

import re

from samobot.claude.risk_reasons import (
    DATABASE,
    DELETES,
    ELSEWHERE,
    INSTALLS,
    MACHINE,
    NETWORK,
    PUBLISHES,
    RIGHTS,
)

_NAMES = {
    NETWORK: "curl wget nc ncat netcat socat telnet ftp lftp sftp ssh scp rclone aria2c mosh sshpass ngrok cloudflared",
    RIGHTS: "sudo doas su pkexec runuser chroot unshare nsenter mount umount setcap capsh gdb strace",
    MACHINE: "systemctl systemd-run service launchctl initctl crontab at batch shutdown reboot halt poweroff init telinit useradd "
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
BY_NAME = {name: reason for reason, names in _NAMES.items() for name in names.split()}

CONTAINER_TOOLS = frozenset(
    {"docker", "podman", "nerdctl", "buildah", "docker-compose", "podman-compose", "skopeo"}
)
HARMLESS_CONTAINER = frozenset({"ps", "images", "logs", "inspect", "version", "info", "stats", "top", "port"})
SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "fish", "ash"})
INTERPRETERS = SHELLS | {"python", "python3", "node", "perl", "ruby", "php"}
WRAPPERS = frozenset(
    {"env", "nohup", "timeout", "nice", "time", "command", "builtin", "exec", "stdbuf", "setsid", "ionice", "chronic",
     "unbuffer", "watch", "xargs", "busybox", "parallel", "flock"}
)  # fmt: skip
MOST_WRAPPERS = 8
TAKES_VALUE = frozenset(
    {"-u", "-C", "-S", "-n", "-k", "-s", "-I", "-P", "-L", "-d", "-a", "-i", "-o", "-e", "-c", "--signal",
     "--kill-after", "--unset", "--chdir", "--adjustment", "--interval", "--jobs", "-j", "-w"}
)  # fmt: skip
WRITERS = frozenset(
    {"cp", "mv", "ln", "install", "tee", "touch", "mkdir", "chmod", "chown", "chgrp", "rm", "rmdir", "unlink", "sed",
     "patch", "rsync", "tar", "unzip", "split", "perl"}
)  # fmt: skip
COPIES = frozenset({"cp", "ln", "install", "rsync"})
"""What they write is named last."""

IN_PLACE = {"sed": re.compile(r"-[a-zA-Z]*i|--in-place"), "perl": re.compile(r"-[a-zA-Z]*i")}
PUBLISHING = {
    "npm": "publish unpublish deprecate owner", "pnpm": "publish", "yarn": "publish npm", "bun": "publish",
    "cargo": "publish yank owner login", "gem": "push yank", "poetry": "publish", "uv": "publish", "flit": "publish",
    "hatch": "publish", "mvn": "deploy release:perform", "gradle": "publish", "lerna": "publish", "dotnet": "nuget",
}  # fmt: skip
DROPS = re.compile(
    r"db:(?:drop|reset|rollback|truncate)|migrate:(?:reset|fresh|rollback)|migrate reset|\bflush\b.*--no-?input|sqlflush"
    r"|alembic downgrade"
)
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104  # an address to reach, not to listen on
