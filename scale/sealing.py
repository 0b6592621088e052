"""Seals secrets, so that what is stored of them says nothing without the key."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cached_property

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from scale.kernel.errors import ScaleError


class CannotUnseal(ScaleError):
    """A secret was sealed with a key that is not here; set SCALE_SECRETS_KEYS to the keys it may be."""


class Sealer:
    """The first key seals, each of them unseals. A key is any text; what is sealed is Fernet's: AES in CBC, and an HMAC."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = keys

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """:raises CannotUnseal: it is none of ours"""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise CannotUnseal from None

    @cached_property
    def _fernet(self) -> MultiFernet:
        return MultiFernet([_fernet(key) for key in self._keys])


def _fernet(key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()))
