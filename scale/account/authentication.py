"""Who asks: the user of a token, remembered for a moment."""

from __future__ import annotations

from django.contrib.auth.models import User
from rest_framework.authentication import TokenAuthentication
from rest_framework.authtoken.models import Token

from scale.remembered import Remembered, forget_on_change


class QuickTokens(TokenAuthentication):
    """Tokens as DRF has them, but looked up once a second at most; one that is taken away holds for no longer than that."""

    def authenticate_credentials(self, key: str) -> tuple[User, Token]:
        return tokens.get(key)


def _look_up(key: str) -> tuple[User, Token]:
    user, token = TokenAuthentication().authenticate_credentials(key)
    assert isinstance(user, User)  # noqa: S101 there are no others
    return user, token


tokens: Remembered[str, tuple[User, Token]] = Remembered(_look_up)


def forget_changed_tokens() -> None:
    """Let this process heed at once what it changes itself."""
    forget_on_change(tokens, Token, User)
