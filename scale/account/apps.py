"""The account app, as Django knows it."""

from django.apps import AppConfig


class AccountConfig(AppConfig):
    name = "scale.account"
    label = "account"
