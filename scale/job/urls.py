"""The addresses of jobs, executions and job types."""

from django.urls import path, register_converter

from scale.engines.protocol import Stream
from scale.job.api import (
    JobApi,
    JobCancelApi,
    JobExecutionApi,
    JobExecutionsApi,
    JobHoldApi,
    JobReleaseApi,
    JobRequeueApi,
    JobsApi,
    JobsBulkApi,
    JobTypeApi,
    JobTypesApi,
    JobTypesStatusApi,
    LogApi,
)


class StreamConverter:
    """stdout, stderr or combined."""

    regex = "|".join(Stream)

    def to_python(self, value: str) -> Stream:
        return Stream(value)

    def to_url(self, value: Stream) -> str:
        return str(value)


register_converter(StreamConverter, "stream")

urlpatterns = [
    path("jobs/", JobsApi.as_view(), name="jobs"),
    path("jobs/bulk/", JobsBulkApi.as_view(), name="job-bulk"),
    path("jobs/cancel/", JobCancelApi.as_view(), name="job-cancel"),
    path("jobs/hold/", JobHoldApi.as_view(), name="job-hold"),
    path("jobs/release/", JobReleaseApi.as_view(), name="job-release"),
    path("jobs/requeue/", JobRequeueApi.as_view(), name="job-requeue"),
    path("jobs/<id:job_id>/", JobApi.as_view(), name="job"),
    path("jobs/<id:job_id>/executions/", JobExecutionsApi.as_view(), name="job-executions"),
    path("jobs/<id:job_id>/executions/<id:exe_num>/", JobExecutionApi.as_view(), name="job-execution"),
    path("job-executions/<id:job_exe_id>/logs/<stream:stream>/", LogApi.as_view(), name="job-execution-log"),
    path("job-types/", JobTypesApi.as_view(), name="job-types"),
    path("job-types/status/", JobTypesStatusApi.as_view(), name="job-type-status"),
    path("job-types/<str:name>/<str:version>/", JobTypeApi.as_view(), name="job-type"),
]
