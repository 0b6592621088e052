"""Who may do what. Everybody who is known may read and submit; staff may also change the cluster."""

from __future__ import annotations

from django.contrib.auth.models import User
from rest_framework.permissions import SAFE_METHODS, IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView


class StaffWrites(IsAuthenticated):
    """Everybody who is known may read; only staff may write."""

    message = "Only staff may change this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return super().has_permission(request, view) and (request.method in SAFE_METHODS or user_of(request).is_staff)


class StaffOnly(IsAuthenticated):
    """Only staff may even read."""

    message = "Only staff may see this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return super().has_permission(request, view) and user_of(request).is_staff


def user_of(request: Request) -> User:
    """Who asks; a view behind a permission always has somebody."""
    assert isinstance(request.user, User)  # noqa: S101
    return request.user
