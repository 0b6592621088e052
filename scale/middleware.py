"""How the web process mends addresses."""

from __future__ import annotations

from django.http import HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware


class SameMethodRedirect(HttpResponsePermanentRedirect):
    """308: come again at the other address with the same method and body; after a 301 a POST would come as a GET."""

    status_code = 308


class SlashMiddleware(CommonMiddleware):
    """Sends who left out the slash at the end to the address that has it."""

    response_redirect_class = SameMethodRedirect
