"""Certificates in the hands of a test: an authority that vouches for servers on this machine, and for clients."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
DAY = timedelta(days=1)


class Identity(NamedTuple):
    """Files in PEM: a certificate, and its private key."""

    certificate: Path
    key: Path


class Authority:
    """``certificate`` is the file that others are told to trust."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = named(name)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = folder / f"{name}.pem"
        of_itself = self.builder(self.name, self.key.public_key()).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.certificate.write_bytes(self.signed(of_itself))

    def builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key)
        return made.serial_number(x509.random_serial_number()).not_valid_before(now - DAY).not_valid_after(now + DAY)

    def signed(self, builder: x509.CertificateBuilder) -> bytes:
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def identity(self, name: str, password: str | None = None) -> Identity:
        """Of who is called so, on this machine; with a password its key can be read by no one else."""
        key, made = ec.generate_private_key(ec.SECP256R1()), Identity(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        builder = self.builder(named(name), key.public_key())
        made.certificate.write_bytes(
            self.signed(builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False))
        )
        hidden = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        made.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden))
        return made


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
