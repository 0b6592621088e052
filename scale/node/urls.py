"""The addresses of the nodes."""

from django.urls import path

from scale.node.api import NodeApi, NodesApi

urlpatterns = [
    path("nodes/", NodesApi.as_view(), name="nodes"),
    path("nodes/<id:node_id>/", NodeApi.as_view(), name="node"),
]
