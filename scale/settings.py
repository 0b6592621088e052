"""Django's settings, made from the environment; loads with no variable set."""

from __future__ import annotations

import os
import secrets

from scale import __version__
from scale.environment import Environment
from scale.kernel.clock import SystemClock

ENVIRONMENT = Environment.read(os.environ)
CLOCK = SystemClock()
_KEY_FILE = ENVIRONMENT.home / "secret-key"
_SECRETS_KEY_FILE = ENVIRONMENT.home / "secrets-key"

SECRET_KEY = ENVIRONMENT.secret_key or (_KEY_FILE.read_text() if _KEY_FILE.is_file() else secrets.token_urlsafe(48))
#: those that secrets of job types are sealed with
SECRETS_KEYS = ENVIRONMENT.secrets_keys or (
    (_SECRETS_KEY_FILE.read_text(),) if _SECRETS_KEY_FILE.is_file() else (secrets.token_urlsafe(48),)
)
DEBUG = False
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000  # as many as a request line has room for: filters name ids by the thousand
ALLOWED_HOSTS = ENVIRONMENT.hosts
ROOT_URLCONF = "scale.urls"
WSGI_APPLICATION = "scale.wsgi.application"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "scale.account",
    "scale.error",
    "scale.node",
    "scale.queue",
    "scale.storage",
    "scale.job",
    "scale.metrics",
    "scale.scheduler",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "scale.middleware.SlashMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {"default": ENVIRONMENT.database}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # a write takes the lock at its first statement, so that it waits its turn instead of failing half-way
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000;",
    }
else:
    DATABASES["default"]["ENGINE"] = "scale.postgresql"
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # a server that is gone without a word is noticed within half a minute
    patience = {
        "connect_timeout": 10,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
    }
    DATABASES["default"]["OPTIONS"] = patience | DATABASES["default"].get("OPTIONS", {})
DATABASES["default"]["CONN_MAX_AGE"] = None
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

USE_TZ = True
TIME_ZONE = "UTC"
ZONE = os.environ.get("TZ")  # as it was before Django sets it
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
CSRF_FAILURE_VIEW = "scale.exceptions.csrf_failure"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "scale.account.authentication.QuickTokens",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["scale.account.parsers.JsonParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "scale.exceptions.problem_response",
    "URL_FORMAT_OVERRIDE": None,  # ?format= belongs to the logs
}

#: by engine: what reads the output of its tasks, given the data directory
LOG_SOURCES = {"local": "scale.engines.local.logs.LocalLogs"}

SPECTACULAR_SETTINGS = {
    "TITLE": "Scale",
    "VERSION": __version__,
    "DESCRIPTION": "Submit jobs, watch them run, read the live status of the cluster. All of /api/v7/ is at /api/v6/, too.",
    "PREPROCESSING_HOOKS": ["scale.schema.newest_version"],
    "OAS_VERSION": "3.1.0",  # pydantic speaks 3.1
    "SERVE_INCLUDE_SCHEMA": False,
    "PATH_CONVERTER_OVERRIDES": {"id": int},
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "JobStatus": "scale.job.states.JobStatus",
        "ExecutionStatus": "scale.job.states.ExecutionStatus",
        "RetryOn": "scale.job.states.RetryOn",
        "Category": "scale.error.catalog.Category",
        "QueueMode": "scale.queue.ordering.QueueMode",
    },
    "COMPONENT_SPLIT_PATCH": False,  # what a change may state, its own model says
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "scale.openapi.mended"],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "scale.fact.FactFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": ENVIRONMENT.log_level},
    "loggers": {"django.request": {"level": "ERROR"}},
}
