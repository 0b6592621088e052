"""The addresses of jobs, executions and job types."""

from django.urls import include, path, register_converter

from scale.engines.protocol import Stream
from scale.job.api import (
    JobApi,
    JobExecutionApi,
    JobExecutionsApi,
    JobInputFilesApi,
    JobsApi,
    JobsBulkApi,
    JobTypesStatusApi,
    LogApi,
)
from scale.job.arrays.api import JobArrayApi, JobArraysApi
from scale.job.commands.api import JobCancelApi, JobCommandApi, JobHoldApi, JobReleaseApi, JobRequeueApi, JobUncancelApi


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
    path("jobs/uncancel/", JobUncancelApi.as_view(), name="job-uncancel"),
    path("jobs/commands/<id:command_id>/", JobCommandApi.as_view(), name="job-command"),
    path("job-arrays/", JobArraysApi.as_view(), name="job-arrays"),
    path("job-arrays/<id:array_id>/", JobArrayApi.as_view(), name="job-array"),
    path("jobs/<id:job_id>/", JobApi.as_view(), name="job"),
    path("jobs/<id:job_id>/input_files/", JobInputFilesApi.as_view(), name="job-input-files"),
    path("jobs/<id:job_id>/executions/", JobExecutionsApi.as_view(), name="job-executions"),
    path("jobs/<id:job_id>/executions/<id:exe_num>/", JobExecutionApi.as_view(), name="job-execution"),
    path("job-executions/<id:job_exe_id>/logs/<stream:stream>/", LogApi.as_view(), name="job-execution-log"),
    path("job-types/status/", JobTypesStatusApi.as_view(), name="job-type-status"),
    path("", include("scale.job.types.urls")),  # last: a name of a job type may be almost anything
]
