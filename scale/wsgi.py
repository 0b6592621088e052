"""The door for web servers."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scale.settings")

_framework = get_wsgi_application()  # before anything of ours that needs it

from scale.bodies import whole_bodies  # noqa: E402
from scale.plain import plainly  # noqa: E402

application = plainly(whole_bodies(_framework))
