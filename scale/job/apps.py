"""The job app, as Django knows it."""

from django.apps import AppConfig


class JobConfig(AppConfig):
    name = "scale.job"
    label = "job"
