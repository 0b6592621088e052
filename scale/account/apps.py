"""The account app, as Django knows it."""

from django.apps import AppConfig


class AccountConfig(AppConfig):
    name = "scale.account"
    label = "account"

    def ready(self) -> None:
        from scale.account.authentication import forget_changed_tokens

        forget_changed_tokens()
