"""Writes to users and their tokens."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.db import transaction
from rest_framework.authtoken.models import Token

from scale.account.credentials import Credentials
from scale.kernel.errors import Fault, Invalid


def token_issue(*, credentials: Credentials) -> str:
    """Give the token of a user who knows the password; always the same one.

    :raises Invalid: there is no such user, or the password is another
    """
    user = authenticate(username=credentials.username, password=credentials.password)
    if user is None:
        raise Invalid([Fault("", "no active user has this name and password")])
    return str(Token.objects.get_or_create(user=user)[0].key)


@transaction.atomic
def admin_ensure(*, username: str, password: str | None, when: datetime) -> str:
    """Make sure that this administrator is there, and give the token; without a password the present one stays."""
    user, is_new = User.objects.get_or_create(username=username, defaults={"date_joined": when})
    user.is_active = user.is_staff = user.is_superuser = True
    if password is not None and not user.check_password(password):
        user.set_password(password)
    elif is_new:
        user.set_unusable_password()
    user.save()
    return str(Token.objects.get_or_create(user=user)[0].key)
