"""Personal fields are sealed under their account's key (AES-256-GCM): throwing the key away erases them without touching any other byte.

And checkpoints are signed (Ed25519).
"""

import os
from hashlib import blake2b, sha256

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

MARK_BYTES = 8
NONCE_BYTES = 12
ID_LETTERS = 16


def new_key() -> bytes:
    return AESGCM.generate_key(bit_length=256)


def mark_of(key: bytes) -> bytes:
    """Names a key without telling it: what was sealed under a key that was thrown away is known by its mark."""
    return blake2b(key, digest_size=MARK_BYTES).digest()


def seal(key: bytes, plain: bytes, bound_to: str) -> bytes:
    """The key's mark, a nonce and the ciphertext; ``bound_to`` (the account) has to be named again to open it."""
    nonce = os.urandom(NONCE_BYTES)
    return mark_of(key) + nonce + AESGCM(key).encrypt(nonce, plain, bound_to.encode())


def unseal(key: bytes | None, sealed: bytes, bound_to: str) -> bytes | None:
    """The plain bytes; ``None`` where the key they were sealed under was thrown away."""
    mark, nonce, ciphertext = sealed[:MARK_BYTES], sealed[MARK_BYTES : MARK_BYTES + NONCE_BYTES], sealed[MARK_BYTES + NONCE_BYTES :]
    if key is None or mark != mark_of(key):
        return None
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, bound_to.encode())
    except InvalidTag as error:
        raise ValueError(f"the sealed fields of {bound_to!r} do not open with their key: the store was altered") from error


def new_signing_key() -> bytes:
    """As PEM (PKCS 8)."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def signing_key(pem: bytes) -> Ed25519PrivateKey:
    """Raises ``ValueError`` where the key is none, or of another kind."""
    key = load_pem_private_key(pem, None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("it is no Ed25519 key")
    return key


def public_key(pem: bytes) -> bytes:
    return signing_key(pem).public_key().public_bytes_raw()


def key_id(key: str) -> str:
    """What people call a public key (hexadecimal): the beginning of its SHA-256."""
    return sha256(bytes.fromhex(key)).hexdigest()[:ID_LETTERS]


def sign(pem: bytes, told: bytes) -> tuple[bytes, bytes]:
    """The public key and the signature; raises ``ValueError`` where the key is none, or of another kind."""
    return public_key(pem), signing_key(pem).sign(told)


def is_signed(key: bytes, signature: bytes, told: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, told)
    except InvalidSignature:
        return False
    return True
