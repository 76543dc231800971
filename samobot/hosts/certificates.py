"""The hub's own certificate authority and the server's certificate (X.509, RFC 5280; ECDSA on P-256).

The server's certificate carries the authority's: where others name the address of their issuer's certificate
(`caIssuers`), it has a `data:` URL. So a host that knows only the authority's fingerprint can ask the server for the
authority itself. What it gets is checked against the fingerprint, and only then used to verify the server: whoever
copies the extension lacks the authority's signature.
"""

from __future__ import annotations

import hashlib
import ipaddress
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from samobot.errors import UsageError

LIFETIME = timedelta(days=397)
"""Lifetime of the server's certificate; some systems accept no longer one."""

RENEWED_BEFORE = timedelta(days=60)
"""The server's certificate is renewed this long before it ends."""

_AUTHORITY_LIFETIME = timedelta(days=365 * 30)
_SKEW = timedelta(days=1)
"""Clocks of hosts may be behind."""

_ISSUER_URL = "data:application/pkix-cert;base64,"


class Authority:
    """A certificate authority.

    Args:
        certificate: Its certificate, PEM.
        key: Its private key, PEM.
    """

    def __init__(self, certificate: bytes, key: bytes) -> None:
        self.certificate = certificate
        self.key = key

    @classmethod
    def create(cls, now: datetime) -> Authority:
        """Make a new one; `now` is aware."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "samobot hub")])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SKEW)
            .not_valid_after(now + _AUTHORITY_LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate.public_bytes(serialization.Encoding.PEM), _pem(key))

    def issue(self, names: Iterable[str], now: datetime) -> tuple[bytes, bytes]:
        """Issue a certificate for a server; return it and its private key, both PEM.

        Args:
            names: Host names and IP addresses by which clients reach it.
            now: The time, aware.
        """
        authority = x509.load_pem_x509_certificate(self.certificate)
        signer = serialization.load_pem_private_key(self.key, None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        key = ec.generate_private_key(ec.SECP256R1())
        der = authority.public_bytes(serialization.Encoding.DER)
        issuer = x509.UniformResourceIdentifier(_ISSUER_URL + b64encode(der).decode())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "samobot hub's server")]))
            .issuer_name(authority.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SKEW)
            .not_valid_after(now + LIFETIME)
            .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityInformationAccess(
                    [x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, issuer)]
                ),
                critical=False,
            )
            .sign(signer, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM), _pem(key)


def fingerprint(authority: bytes) -> str:
    """Return the SHA-256 of an authority's certificate (PEM), 64 hexadecimal digits."""
    der = x509.load_pem_x509_certificate(authority).public_bytes(serialization.Encoding.DER)
    return hashlib.sha256(der).hexdigest()


def authority_of(server: bytes, expected: str) -> bytes:
    """Return the authority that a server's certificate carries, PEM.

    Args:
        server: The certificate that the server showed, DER; nothing about it was verified.
        expected: The authority's fingerprint, from a trusted source.

    Raises:
        UsageError: The server belongs to another authority, or to none of samobot's.
    """
    try:
        extensions = x509.load_der_x509_certificate(server).extensions
        [issuer] = extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        url = str(issuer.access_location.value)
        authority = x509.load_der_x509_certificate(b64decode(url.removeprefix(_ISSUER_URL), validate=True))
    except (ValueError, x509.ExtensionNotFound):
        raise UsageError("The server at this address is not a samobot hub's.") from None
    pem = authority.public_bytes(serialization.Encoding.PEM)
    if fingerprint(pem) != expected:
        raise UsageError(
            "The server at this address belongs to another hub than the invitation, or somebody sits between; "
            "nothing was sent. Check the address."
        )
    return pem


def ends_at(certificate: bytes) -> datetime:
    """Return the end of a certificate's validity (PEM)."""
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc


def names_of(certificate: bytes) -> tuple[str, ...]:
    """Return the host names and addresses that a certificate (PEM) is for."""
    extensions = x509.load_pem_x509_certificate(certificate).extensions
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return tuple(str(name.value) for name in names)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
