"""The door for web servers."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scale.settings")

from scale.bodies import whole_bodies

application = whole_bodies(get_wsgi_application())
