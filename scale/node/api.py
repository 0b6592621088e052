"""The nodes, over REST."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from scale.account.permissions import StaffWrites
from scale.kernel.reading import read_change
from scale.node.changes import NodeChange
from scale.node.filters import NodeFilter
from scale.node.selectors import node_found, nodes_selected
from scale.node.serializers import NodeOut
from scale.node.services import node_edit
from scale.paging import page_answer
from scale.present import clock
from scale.schema import page_of, parameters_of, problems
from scale.shapes import shaped


class NodesApi(APIView):
    """GET /nodes/ -- the machines that tasks run on."""

    @extend_schema(
        operation_id="node_list",
        parameters=parameters_of(NodeFilter),
        responses={200: page_of(NodeOut), **problems(400, 404)},
    )
    def get(self, request: Request) -> Response:
        wanted = NodeFilter.of(dict(request.query_params.lists()), clock().now())
        return page_answer(request, wanted, nodes_selected(wanted), NodeOut)


class NodeApi(APIView):
    """GET and PATCH /nodes/{id}/ -- one of them."""

    permission_classes = (StaffWrites,)

    @extend_schema(operation_id="node_detail", responses={200: NodeOut, **problems(404)})
    def get(self, request: Request, node_id: int) -> Response:
        return Response(shaped(NodeOut, node_found(node_id)))

    @extend_schema(operation_id="node_edit", request=NodeChange, responses={204: None, **problems(400, 403, 404)})
    def patch(self, request: Request, node_id: int) -> Response:
        node_edit(node_id=node_id, changes=read_change(NodeChange, request.data), when=clock().now())
        return Response(status=204)
