"""The addresses of job types. Fixed words come before names; manifests may not have those words as names."""

from django.urls import path

from scale.job.types.api import (
    JobTypeApi,
    JobTypeNamesApi,
    JobTypeRevisionApi,
    JobTypeRevisionsApi,
    JobTypesApi,
    JobTypeValidationApi,
    JobTypeVersionsApi,
)

urlpatterns = [
    path("job-type-names/", JobTypeNamesApi.as_view(), name="job-type-names"),
    path("job-types/", JobTypesApi.as_view(), name="job-types"),
    path("job-types/validation/", JobTypeValidationApi.as_view(), name="job-type-validation"),
    path("job-types/<text:name>/", JobTypeVersionsApi.as_view(), name="job-type-versions"),
    path("job-types/<text:name>/<text:version>/", JobTypeApi.as_view(), name="job-type"),
    path("job-types/<text:name>/<text:version>/revisions/", JobTypeRevisionsApi.as_view(), name="job-type-revisions"),
    path(
        "job-types/<text:name>/<text:version>/revisions/<id:revision_num>/",
        JobTypeRevisionApi.as_view(),
        name="job-type-revision",
    ),
]
