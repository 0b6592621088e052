"""The metrics app, as Django knows it."""

from django.apps import AppConfig


class MetricsConfig(AppConfig):
    name = "scale.metrics"
    label = "metrics"
