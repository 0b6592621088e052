"""The addresses of jobs and executions."""

from django.urls import path, register_converter

from scale.engines.protocol import Stream
from scale.job.api import JobApi, JobCancelApi, JobExecutionApi, JobExecutionsApi, JobsApi, JobsBulkApi, LogApi


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
    path("jobs/<int:job_id>/", JobApi.as_view(), name="job"),
    path("jobs/<int:job_id>/executions/", JobExecutionsApi.as_view(), name="job-executions"),
    path("jobs/<int:job_id>/executions/<int:exe_num>/", JobExecutionApi.as_view(), name="job-execution"),
    path("job-executions/<int:job_exe_id>/logs/<stream:stream>/", LogApi.as_view(), name="job-execution-log"),
]
