"""The login: a name and a password for a token."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from scale.account.credentials import Credentials
from scale.account.parsers import FormParser, JsonParser
from scale.account.services import token_issue
from scale.kernel.reading import read
from scale.schema import problems


class TokenOut(serializers.Serializer[Any]):
    """Goes into the header `Authorization: Token ...`."""

    token = serializers.CharField()


class TokenApi(APIView):
    """POST /api-token-auth/ -- get a token."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (JsonParser, FormParser)

    @extend_schema(  # it takes forms too, for people; a program needs one way
        operation_id="token_issue", request={"application/json": Credentials}, responses={200: TokenOut, **problems(400)}
    )
    def post(self, request: Request) -> Response:
        return Response({"token": token_issue(credentials=read(Credentials, request.data))})
