"""The doors of the web process."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

import scale.addresses  # noqa: F401 the urls below use what it registers
from scale.views import HealthApi, ReadyApi, VersionApi

_OPEN: dict[str, Any] = {"authentication_classes": (), "permission_classes": ()}

handler400 = "scale.exceptions.bad_request"
handler403 = "scale.exceptions.permission_denied"
handler404 = "scale.exceptions.not_found"
handler500 = "scale.exceptions.server_error"

api: list[Any] = [
    path("", include("scale.metrics.urls")),  # before the names of job types
    path("", include("scale.job.urls")),
    path("", include("scale.error.urls")),
    path("", include("scale.node.urls")),
    path("", include("scale.scheduler.urls")),
    path("", include("scale.storage.urls")),
    path("version/", VersionApi.as_view(), name="version"),
]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="docs")),
    path("", include("scale.account.urls")),
    path("api/v6/", include((api, "v6"))),  # the same code; who came at it is sent on to it
    path("api/v7/", include(api)),
    path("api/schema/", SpectacularAPIView.as_view(**_OPEN), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(**_OPEN), name="docs"),
    path("healthz", HealthApi.as_view(), name="health"),
    path("readyz", ReadyApi.as_view(), name="ready"),
    path("admin/", admin.site.urls),
]
