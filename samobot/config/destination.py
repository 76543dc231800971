"""A host and port that an agent may connect to. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

_PORTS = {"": 443, "https": 443, "http": 80}
_LEAST_LOCAL_PORT = 1024
_WILDCARD = "*."


@dataclass(frozen=True, slots=True, order=True)
class Destination:
    """A host and port.

    Attributes:
        host: A name in lower case, `*.example.com` for all names below one, or an IP address.
        port: The TCP port.
    """

    host: str
    port: int

    @property
    def address(self) -> IPv4Address | IPv6Address | None:
        """The host as an IP address; None if it is a name."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None

    @property
    def is_loopback(self) -> bool:
        """Whether it is a service on this machine."""
        address = self.address
        return self.host == "localhost" if address is None else address.is_loopback

    def covers(self, other: Destination) -> bool:
        """Whether another destination is this one, or a name below it."""
        if self.port != other.port:
            return False
        if self.host.startswith(_WILDCARD):
            return other.address is None and other.host.endswith(self.host.removeprefix("*"))
        return self.host == other.host

    def __str__(self) -> str:
        """As it is configured."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_destination(text: str) -> Destination:
    """Parse `host`, `host:port`, `*.host`, `[::1]:port` or an http(s) address; without a port, that of https or http.

    Raises:
        ValueError: It is none of these.
    """
    text = text.strip()
    url = urlsplit(text if "://" in text else f"//{text}")
    host = (url.hostname or "").rstrip(".")
    if (
        url.scheme not in _PORTS
        or not host
        or url.username is not None
        or any(sign in host for sign in "/%\\ ")
    ):
        raise ValueError(f"{text!r} is no host and port, such as pypi.org or git.example.com:8443")
    if "://" not in text and (url.path or url.query or url.fragment):
        raise ValueError(f"{text!r} should be a host and port only")
    if "*" in host.removeprefix(_WILDCARD) or (
        host.count(".") < 1 + host.startswith(_WILDCARD) and "*" in host
    ):
        raise ValueError(f"{text!r}: a star may only stand for all names below one, such as *.example.com")
    if url.port == 0:
        raise ValueError(f"{text!r}: there is no port 0")
    return Destination(
        host.encode("idna").decode() if not host.isascii() else host, url.port or _PORTS[url.scheme]
    )


def parse_destinations(text: str) -> tuple[Destination, ...]:
    """Parse destinations that are separated by commas.

    Raises:
        ValueError: One is none, or a local one has a port that an agent's own network cannot have.
    """
    found = tuple(parse_destination(part) for part in text.split(",") if part.strip())
    for each in found:
        if each.is_loopback and each.port < _LEAST_LOCAL_PORT:
            raise ValueError(f"{each}: a service on this machine needs a port from {_LEAST_LOCAL_PORT} on")
    return found
