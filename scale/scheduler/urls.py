"""The addresses of the scheduler, the status document, the queue and the sizes of things."""

from django.urls import path

from scale.scheduler.api import QueueStatusApi, SchedulerApi, SizesApi, StatusApi

urlpatterns = [
    path("scheduler/", SchedulerApi.as_view(), name="scheduler"),
    path("status/", StatusApi.as_view(), name="status"),
    path("queue/status/", QueueStatusApi.as_view(), name="queue-status"),
    path("sizes/", SizesApi.as_view(), name="sizes"),
]
