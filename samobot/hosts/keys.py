"""NKeys: the keys that users of the server prove who they are with (Ed25519; github.com/nats-io/nkeys)."""

from __future__ import annotations

import base64
import os

import nkeys

_PUBLIC_KEY_LENGTH = 56


def new_seed() -> str:
    """Return the seed of a new user key; it never leaves the machine that made it."""
    return bytes(nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)).decode()


def public_key(seed: str) -> str:
    """Return the public key of a seed.

    Raises:
        ValueError: It is no seed.
    """
    try:
        return bytes(nkeys.from_seed(bytearray(seed.encode())).public_key).decode()
    except (nkeys.NkeysError, ValueError) as error:
        raise ValueError(f"not a seed of a key: {type(error).__name__}") from None


def is_public_key(text: str) -> bool:
    """Whether this is the public key of a user: prefix, 32 bytes and checksum, in Base32."""
    if len(text) != _PUBLIC_KEY_LENGTH:
        return False
    try:
        raw = base64.b32decode(text)
    except ValueError:
        return False
    return raw[0] == nkeys.PREFIX_BYTE_USER and bytes(nkeys.crc16_checksum(raw[:-2])) == raw[-2:]
