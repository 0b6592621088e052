"""Counts by job type, the load, what is asked of the cluster, and plots, over REST."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from scale.metrics.columns import KINDS
from scale.metrics.filters import LoadFilter, PlotFilter
from scale.metrics.plots import choices_of, kind_found, plots_drawn
from scale.metrics.selectors import demand, loads_selected, system_failures, types_pending, types_running
from scale.metrics.serializers import (
    ChoiceOut,
    DemandOut,
    KindDetailOut,
    KindOut,
    LoadOut,
    PlotOut,
    SystemFailureOut,
    TypePendingOut,
    TypeRunningOut,
)
from scale.paging import page_answer
from scale.parameters import Paged
from scale.present import clock
from scale.schema import page_of, parameters_of, problems
from scale.shapes import shaped

_KIND = OpenApiParameter("kind", location=OpenApiParameter.PATH, enum=[*KINDS])


class TypesPendingApi(APIView):
    """GET /job-types/pending/ -- what waits to be queued, by job type."""

    @extend_schema(
        operation_id="job_type_pending",
        parameters=parameters_of(Paged),
        responses={200: page_of(TypePendingOut), **problems(400, 404)},
    )
    def get(self, request: Request) -> Response:
        return page_answer(request, _paged(request), types_pending(), TypePendingOut)


class TypesRunningApi(APIView):
    """GET /job-types/running/ -- what runs, by job type."""

    @extend_schema(
        operation_id="job_type_running",
        parameters=parameters_of(Paged),
        responses={200: page_of(TypeRunningOut), **problems(400, 404)},
    )
    def get(self, request: Request) -> Response:
        return page_answer(request, _paged(request), types_running(), TypeRunningOut)


class SystemFailuresApi(APIView):
    """GET /job-types/system-failures/ -- what failed by a fault of the system, by job type and error."""

    @extend_schema(
        operation_id="job_type_system_failures",
        parameters=parameters_of(Paged),
        responses={200: page_of(SystemFailureOut), **problems(400, 404)},
    )
    def get(self, request: Request) -> Response:
        return page_answer(request, _paged(request), system_failures(), SystemFailureOut)


class LoadApi(APIView):
    """GET /load/ -- how many jobs were not over, hour by hour."""

    @extend_schema(
        operation_id="load", parameters=parameters_of(LoadFilter), responses={200: page_of(LoadOut), **problems(400, 404)}
    )
    def get(self, request: Request) -> Response:
        wanted = LoadFilter.of(dict(request.query_params.lists()), clock().now())
        return page_answer(request, wanted, loads_selected(wanted), LoadOut)


class DemandApi(APIView):
    """GET /scheduler/queued-resources/ -- what jobs ask of the cluster, and what it has."""

    @extend_schema(operation_id="queued_resources", responses={200: DemandOut, **problems()})
    def get(self, request: Request) -> Response:
        return Response(shaped(DemandOut, demand()))


class KindsApi(APIView):
    """GET /metrics/ -- what there are plots of."""

    @extend_schema(
        operation_id="metrics_list", parameters=parameters_of(Paged), responses={200: page_of(KindOut), **problems(400, 404)}
    )
    def get(self, request: Request) -> Response:
        return page_answer(request, _paged(request), list(KINDS.values()), KindOut)


class KindApi(APIView):
    """GET /metrics/{kind}/ -- what can be plotted of one of them."""

    @extend_schema(operation_id="metrics_detail", parameters=[_KIND], responses={200: KindDetailOut, **problems(404)})
    def get(self, request: Request, kind: str) -> Response:
        found = kind_found(kind)
        return Response({**shaped(KindOut, found), "choices": [shaped(ChoiceOut, one) for one in choices_of(found)]})


class PlotApi(APIView):
    """GET /metrics/{kind}/plot-data/ -- what ended, column by column, over time."""

    @extend_schema(
        operation_id="metrics_plot",
        parameters=[_KIND, *parameters_of(PlotFilter)],
        responses={200: page_of(PlotOut), **problems(400, 404)},
    )
    def get(self, request: Request, kind: str) -> Response:
        found = kind_found(kind)
        wanted = PlotFilter.of(dict(request.query_params.lists()), clock().now())
        return page_answer(request, wanted, plots_drawn(found, wanted), PlotOut)


def _paged(request: Request) -> Paged:
    return Paged.of(dict(request.query_params.lists()), clock().now())
