"""Encryption of what is kept reversibly, under `REJOINDER_SECRET_KEY`: of several keys the first encrypts, all decrypt."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class Seal:
    """`keys` are comma-separated texts of any form; empty: nothing can be sealed."""

    def __init__(self, keys: str) -> None:
        written = [key.strip().encode() for key in keys.split(",") if key.strip()]
        self._box = MultiFernet([Fernet(_key(b"vault", key)) for key in written]) if written else None
        self._fingerprints = _key(b"vault digest", written[-1]) if written else b""

    def __bool__(self) -> bool:
        return self._box is not None

    def close(self, words: str) -> str:
        """Encrypt. Raises ValueError without a key."""
        if self._box is None:
            raise ValueError("nothing can be sealed without a key")
        return self._box.encrypt(words.encode("utf-8", "surrogatepass")).decode()

    def open(self, sealed: str) -> str | None:
        """None for what none of the keys opens."""
        try:
            return None if self._box is None else self._box.decrypt(sealed).decode("utf-8", "surrogatepass")
        except InvalidToken:
            return None

    def fingerprint(self, *parts: str) -> str:
        """Always the same for the same, and for nobody without the key a hint at what it was. By the oldest key, so that a rotation
        changes none."""
        said = b"\0".join(part.encode("utf-8", "surrogatepass") for part in parts)
        return hmac.new(self._fingerprints, said, hashlib.sha256).hexdigest()


def _key(purpose: bytes, key: bytes) -> bytes:
    """A key of its own for each purpose, in the form that Fernet takes."""
    return urlsafe_b64encode(hmac.new(key, purpose, hashlib.sha256).digest())
