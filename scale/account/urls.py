"""The addresses of the login."""

from django.urls import path

from scale.account.api import TokenApi

urlpatterns = [path("api-token-auth/", TokenApi.as_view(), name="token")]
