"""Hosts that an agent may connect to: how they are written, and what they cover."""

from __future__ import annotations

import pytest

from samobot.config.destination import Destination, parse_destination, parse_destinations

WRITTEN = {
    "pypi.org": ("pypi.org", 443),
    " PyPI.org. ": ("pypi.org", 443),
    "git.example.com:8443": ("git.example.com", 8443),
    "*.example.com": ("*.example.com", 443),
    "https://api.example.com/v1": ("api.example.com", 443),
    "http://127.0.0.1:8080": ("127.0.0.1", 8080),
    "http://gateway": ("gateway", 80),
    "[::1]:8080": ("::1", 8080),
    "bücher.example": ("xn--bcher-kva.example", 443),
}


def test_destination_is_read_as_it_is_written() -> None:
    for text, (host, port) in WRITTEN.items():
        assert parse_destination(text) == Destination(host, port), text


def test_what_is_no_destination_is_refused() -> None:
    for text in (
        "", "*", "*.com", "a*.example.com", "*.*.example.com", "host/path", "host:http", "host:0x50", "ftp://host",
        "user@host", "a b", "host:0", "host:99999", "[::1", "fe80::1%eth0:1",
    ):  # fmt: skip
        with pytest.raises(ValueError):  # urllib words some of them
            parse_destination(text)


def test_local_service_needs_a_port_that_can_be_opened_inside() -> None:
    with pytest.raises(ValueError, match="port from 1024 on"):
        parse_destinations("pypi.org, localhost:80")
    assert parse_destinations("pypi.org,, 127.0.0.1:5432 ,") == (
        Destination("pypi.org", 443),
        Destination("127.0.0.1", 5432),
    )


def test_destination_covers_itself_and_a_star_only_names_below() -> None:
    star = parse_destination("*.example.com")
    covered = ("a.example.com", "a.b.example.com", "A.EXAMPLE.com.")
    uncovered = ("example.com", "badexample.com", "a.example.com:80", "example.com.evil.org", "127.0.0.1")
    assert all(star.covers(parse_destination(text)) for text in covered)
    assert not any(star.covers(parse_destination(text)) for text in uncovered)
    local = parse_destination("127.0.0.1:8080")
    assert not any(
        local.covers(parse_destination(text)) for text in ("localhost:8080", "127.1:8080", "2130706433:8080")
    )
