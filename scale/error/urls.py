"""The addresses of the errors."""

from django.urls import path

from scale.error.api import ErrorApi, ErrorsApi

urlpatterns = [
    path("errors/", ErrorsApi.as_view(), name="errors"),
    path("errors/<id:error_id>/", ErrorApi.as_view(), name="error"),
]
