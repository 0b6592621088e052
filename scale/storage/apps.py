"""The storage app, as Django knows it."""

from django.apps import AppConfig


class StorageConfig(AppConfig):
    name = "scale.storage"
    label = "storage"
