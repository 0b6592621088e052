"""What anybody may ask: does the process live, would jobs be run, which version is it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from scale import __version__
from scale.present import clock
from scale.scheduler.selectors import status_etag


class VersionOut(serializers.Serializer[Any]):
    version = serializers.CharField()


class VersionApi(APIView):
    """GET /version/ -- the version of Scale."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(operation_id="version", responses={200: VersionOut})
    def get(self, request: Request) -> Response:
        return Response({"version": __version__})


class HealthApi(APIView):
    """GET /healthz -- the process lives."""

    schema = None
    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})


class ReadyApi(APIView):
    """GET /readyz -- the database answers, and the scheduler has told its status."""

    schema = None
    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        status_etag(clock().now())
        return Response({"status": "ok"})
