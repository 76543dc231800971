"""The hub's own folder: keys, certificates, the hosts that were admitted and those that are invited."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from samobot.errors import ConflictError, NotFoundError, StorageError, UsageError
from samobot.hosts import certificates, keys, subjects
from samobot.hosts.hub_record import FILE_NAME, FOLDER, AdmittedHost, HubRecord, OpenInvitation
from samobot.hosts.invitation import HostInvitation, used_up
from samobot.hosts.link import Link, hub_link_file, make_private, write_link
from samobot.hosts.server_config import ServerFiles, render
from samobot.session.file_lock import locked
from samobot.session.files import read_bytes, read_text, write_atomic

DEFAULT_PORT = 4222
INVITATION_LIFETIME = timedelta(minutes=10)

_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*|[0-9a-fA-F:]+")
_LOCK_SECONDS = 30.0


class HubRegistry:
    """The hub's folder, `hub` in the state folder, mode 0700. Safe between processes.

    Args:
        state_dir: The state folder.
    """

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self.folder = state_dir / FOLDER
        self.config_file = self.folder / "nats.conf"
        self.seed_file = self.folder / "hub.seed"
        self.authority_file = self.folder / "authority.pem"
        self.store = self.folder / "store"
        self._record_file = self.folder / FILE_NAME
        self._authority_key = self.folder / "authority.key"
        self._certificate = self.folder / "server.pem"
        self._certificate_key = self.folder / "server.key"
        self._store_key = self.folder / "store.key"

    # Set-up ------------------------------------------------------------------------------------------------------

    @property
    def exists(self) -> bool:
        """Whether this machine is a hub."""
        return self._record_file.exists()

    def set_up(self, addresses: tuple[str, ...], listen: str, port: int, now: datetime) -> HubRecord:
        """Make the folder, or change where the server is reached; keys, hosts and streams stay.

        Args:
            addresses: Names or IP addresses by which hosts reach it.
            listen: Address on which it listens.
            port: Its port.
            now: The time, aware.

        Raises:
            UsageError: No address, or one that cannot be.
            StorageError: The disk refused.
        """
        for address in addresses:
            if _NAME.fullmatch(address) is None:
                raise UsageError(f"“{address}” is neither a host name nor an IP address.")
        make_private(self.folder)
        with self._locked():
            if not self.seed_file.exists():
                self._write(self.seed_file, keys.new_seed())
            if not self._store_key.exists():
                self._write(self._store_key, secrets.token_hex(32))
            if not self._authority_key.exists():
                authority = certificates.Authority.create(now)
                self._write(self.authority_file, authority.certificate)
                self._write(self._authority_key, authority.key)
            hub_key = keys.public_key(self._secret(self.seed_file))
            known = self._read()
            record = HubRecord(addresses=addresses, listen=listen, port=port, hub_key=hub_key)
            if known is not None:
                record = record.model_copy(
                    update={
                        "hosts": known.hosts,
                        "invitations": known.invitations,
                        "revision": known.revision + 1,
                    }
                )
            self._save(record)
        self.renew_certificate(now)
        local = "127.0.0.1" if listen in ("", "0.0.0.0", "::") else listen  # noqa: S104 - compared, not bound
        write_link(
            hub_link_file(self._state_dir),
            Link(
                user=subjects.HUB,
                servers=(server_url(local, port),),
                ca=self.authority_file,
                seed=self.seed_file,
            ),
        )
        return record

    def renew_certificate(self, now: datetime) -> bool:
        """Issue the server's certificate if it is missing, ends soon or has other names; return whether it did.

        Raises:
            StorageError: The disk refused.
        """
        with self._locked():
            record = self.record()
            names = tuple(dict.fromkeys((*record.addresses, *_LOCAL_NAMES, *_specific(record.listen))))
            content = read_bytes(self._certificate)
            if content is not None and self._certificate_key.exists():
                ends_soon = certificates.ends_at(content) - now < certificates.RENEWED_BEFORE
                if not ends_soon and set(certificates.names_of(content)) == set(names):
                    return False
            authority = certificates.Authority(self.authority, self._secret(self._authority_key).encode())
            certificate, key = authority.issue(names, now)
            self._write(self._certificate_key, key)
            self._write(self._certificate, certificate)
            return True

    @property
    def certificate_ends_at(self) -> datetime:
        """End of the server's certificate."""
        return certificates.ends_at(self._secret(self._certificate).encode())

    @property
    def authority(self) -> bytes:
        """The authority's certificate, PEM."""
        return self._secret(self.authority_file).encode()

    # Hosts -------------------------------------------------------------------------------------------------------

    def record(self) -> HubRecord:
        """Return what is known.

        Raises:
            UsageError: This machine is no hub, or the file was damaged.
        """
        record = self._read()
        if record is None:
            raise UsageError(
                "This machine is no hub. `samobot hub init --address NAME` makes it one; NAME is how the other "
                "machines reach it."
            )
        return record

    def invite(self, host: str, now: datetime) -> HostInvitation:
        """Invite a machine to become this host; an older invitation for the name ends.

        Raises:
            UsageError: The name cannot be one, or this machine is no hub.
            ConflictError: There is a host of this name.
        """
        if not subjects.is_host_name(host):
            raise UsageError(
                f"“{host}” cannot be a host's name: 1 to 32 of a-z, 0-9 and -, not “{subjects.HUB}”."
            )
        token = keys.new_seed()

        def change(record: HubRecord) -> HubRecord:
            if any(each.name == host for each in record.hosts):
                raise ConflictError(
                    f"{host} is a host already. To admit it again: samobot host remove {host}"
                )
            others = [each for each in record.invitations if each.host != host and each.until > now]
            opened = OpenInvitation(host=host, key=keys.public_key(token), until=now + INVITATION_LIFETIME)
            return record.model_copy(update={"invitations": (*others, opened)})

        record = self._edit(change)
        return HostInvitation(
            host=host,
            servers=tuple(server_url(address, record.port) for address in record.addresses),
            token=token,
            fingerprint=certificates.fingerprint(self.authority),
        )

    def admit(self, host: str, key: str, now: datetime) -> HubRecord:
        """Admit a machine that was invited. The invitation is used up; `close` takes its last permission.

        Args:
            host: The name it was invited as.
            key: Its own public key.
            now: The time, aware.

        Raises:
            ConflictError: There is no invitation, or it has ended or been used.
            UsageError: That is no public key.
        """
        if not keys.is_public_key(key):
            raise UsageError("That is not the public key of a host.")

        def change(record: HubRecord) -> HubRecord:
            invited = any(each.host == host and each.until > now for each in record.invitations)
            if not invited or any(each.name == host for each in record.hosts):
                raise used_up(host)
            if any(each.key == key for each in record.hosts):
                raise ConflictError("Another host has this key.")
            return record.model_copy(
                update={"hosts": (*record.hosts, AdmittedHost(name=host, key=key, since=now))}
            )

        return self._edit(change)

    def close(self, host: str) -> HubRecord:
        """Forget the invitation of a host, so that its token can connect no longer."""
        return self._edit(
            lambda record: record.model_copy(
                update={"invitations": tuple(each for each in record.invitations if each.host != host)}
            )
        )

    def close_ended(self, now: datetime) -> bool:
        """Forget invitations that have ended, and used ones whose closing was interrupted; whether there were any."""
        record = self.record()
        hosts = {each.name for each in record.hosts}
        kept = tuple(each for each in record.invitations if each.until > now and each.host not in hosts)
        if kept == record.invitations:
            return False
        self._edit(lambda current: current.model_copy(update={"invitations": kept}))
        return True

    def remove(self, host: str) -> HubRecord:
        """Forget a host or its invitation: its key can connect no longer.

        Raises:
            NotFoundError: There is none of this name.
        """

        def change(record: HubRecord) -> HubRecord:
            hosts = tuple(each for each in record.hosts if each.name != host)
            invitations = tuple(each for each in record.invitations if each.host != host)
            if (hosts, invitations) == (record.hosts, record.invitations):
                raise NotFoundError(f"There is no host “{host}”. See: samobot host list")
            return record.model_copy(update={"hosts": hosts, "invitations": invitations})

        return self._edit(change)

    # The server's configuration ----------------------------------------------------------------------------------

    def write_config(self) -> HubRecord:
        """Write the server's configuration; return what it was made from."""
        record = self.record()
        text = render(
            record.listen,
            record.port,
            ServerFiles(self._certificate, self._certificate_key, self.store, self._secret(self._store_key)),
            record.hub_key,
            {each.name: each.key for each in record.hosts},
            [(each.host, each.key) for each in record.invitations],
        )
        self._write(self.config_file, text)
        return record

    def _edit(self, change: Callable[[HubRecord], HubRecord]) -> HubRecord:
        with self._locked():
            record = self.record()
            changed = change(record).model_copy(update={"revision": record.revision + 1})
            self._save(changed)
            return changed

    def _locked(self) -> AbstractContextManager[None]:
        return locked(self.folder / "hub.lock", wait=_LOCK_SECONDS)

    def _read(self) -> HubRecord | None:
        content = read_bytes(self._record_file)
        if content is None:
            return None
        try:
            return HubRecord.model_validate_json(content)
        except ValidationError as error:
            raise UsageError(f"{self._record_file} is damaged: {error.errors()[0]['msg']}.") from None

    def _save(self, record: HubRecord) -> None:
        self._write(self._record_file, record.model_dump_json(indent=2))

    def _secret(self, file: Path) -> str:
        text = read_text(file)
        if text is None:
            raise StorageError(f"{file} is missing; restore it, or remove {self.folder} and start over.")
        return text

    @staticmethod
    def _write(file: Path, content: str | bytes) -> None:
        write_atomic(file, content, mode=0o600)


def server_url(address: str, port: int) -> str:
    """Return the URL of a server."""
    return f"tls://[{address}]:{port}" if ":" in address else f"tls://{address}:{port}"


def _specific(listen: str) -> tuple[str, ...]:
    """The address on which a server listens, unless it is any."""
    return () if listen in ("", "0.0.0.0", "::") else (listen,)  # noqa: S104 - compared, not bound
