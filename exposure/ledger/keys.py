"""Personal fields are sealed under their account's key (AES-256-GCM): throwing the key away erases them without touching any other byte."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


def new_key() -> bytes:
    return AESGCM.generate_key(bit_length=256)


def seal(key: bytes, plain: bytes, bound_to: str) -> bytes:
    """Nonce and ciphertext; ``bound_to`` (the account) has to be named again to open it."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to.encode())


def unseal(key: bytes | None, sealed: bytes, bound_to: str) -> bytes | None:
    """The plain bytes; ``None`` where the key was thrown away."""
    if key is None:
        return None
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode())
    except InvalidTag as error:
        raise ValueError(f"the sealed fields of {bound_to!r} do not open with its key: the store was altered") from error
