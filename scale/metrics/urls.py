"""The addresses of counts by job type, of the load, of what is asked of the cluster, and of plots."""

from django.urls import path

from scale.metrics.api import DemandApi, KindApi, KindsApi, LoadApi, PlotApi, SystemFailuresApi, TypesPendingApi, TypesRunningApi

urlpatterns = [
    path("job-types/pending/", TypesPendingApi.as_view(), name="job-type-pending"),
    path("job-types/running/", TypesRunningApi.as_view(), name="job-type-running"),
    path("job-types/system-failures/", SystemFailuresApi.as_view(), name="job-type-system-failures"),
    path("load/", LoadApi.as_view(), name="load"),
    path("scheduler/queued-resources/", DemandApi.as_view(), name="queued-resources"),
    path("metrics/", KindsApi.as_view(), name="metrics"),
    path("metrics/<str:kind>/", KindApi.as_view(), name="metrics-kind"),
    path("metrics/<str:kind>/plot-data/", PlotApi.as_view(), name="metrics-plot"),
]
