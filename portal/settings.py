"""All settings, from environment variables; loud on nonsense. Documented in docs/operations.md."""

from __future__ import annotations

from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from portal.environment import beside, database, env, env_bool, env_int, env_list, every

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = env_bool("DEBUG", default=False)
SECRET_KEY = env("SECRET_KEY")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. `make run` makes one; in production set a long random string."
    )
PUBLIC_URL = env("PUBLIC_URL", "http://127.0.0.1:8000")
GATEWAY_URL = env("GATEWAY_URL", "http://127.0.0.1:8200")
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS") or ["127.0.0.1", "localhost", "testserver"]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
HTTPS = env_bool("HTTPS", default=PUBLIC_URL.startswith("https://"))

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "csp",
    "django_filters",
    "django_htmx",
    "template_partials",
    "rest_framework",
    "drf_spectacular",
    "portal",
    "billing",
    "deployments",
    "cascade",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.middleware.ActorMiddleware",
    "portal.middleware.InputMiddleware",
    "portal.rest.idempotency.IdempotencyMiddleware",
    "portal.middleware.RefusalMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.frame.frame",
            ],
            "builtins": ["template_partials.templatetags.partials"],
        },
    }
]
DATABASES = {"default": database(env("DATABASE_URL", "postgresql://slipway@localhost/slipway"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "portal.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "portal:home"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "portal.accounts.Accounts"
ACCOUNT_FORMS = {"login": "portal.forms.account.SignIn"}
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key"}
SOCIALACCOUNT_ADAPTER = "portal.accounts.SingleSignOn"
SOCIALACCOUNT_PROVIDERS: dict[str, object] = {}
if env("OIDC_SERVER_URL"):
    SOCIALACCOUNT_PROVIDERS["openid_connect"] = {
        "APPS": [
            {
                "provider_id": "sso",
                "name": env("OIDC_NAME", "Single sign-on"),
                "client_id": env("OIDC_CLIENT_ID"),
                "secret": env("OIDC_CLIENT_SECRET"),
                "settings": {"server_url": env("OIDC_SERVER_URL")},
            }
        ]
    }
# Without a mail server nothing is sent: invitations are links that people hand over.
EMAIL_HOST = env("EMAIL_HOST")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'dummy'}.EmailBackend"
EMAIL_PORT = env_int("EMAIL_PORT", default=587)
EMAIL_HOST_USER = env("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env_bool("EMAIL_USE_TLS", default=True)
DEFAULT_FROM_EMAIL = env("EMAIL_FROM", "slipway@localhost")
SIGN_IN_HINT = env("SIGN_IN_HINT")
OPEN_SIGNUP = env_bool("OPEN_SIGNUP", default=False)

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env("STATIC_ROOT", str(BASE_DIR / "staticfiles")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if env_bool("STATIC_HASHED", default=False)
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not env_bool("STATIC_HASHED", default=False)
WHITENOISE_AUTOREFRESH = DEBUG

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "manifest-src": [SELF],
    }
}
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_NAME = "slipway_session"
CSRF_COOKIE_SECURE = HTTPS
CSRF_FAILURE_VIEW = "portal.views.errors.csrf"
CSRF_COOKIE_NAME = "slipway_csrf"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500

BROKER_URL = env("BROKER_URL", "redis://localhost:6379/0")
CACHE_URL = env("CACHE_URL")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": CACHE_URL}
    if CACHE_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
# The cascade's counters, event stream and snapshot: never a cache that may forget.
CASCADE_URL = env("CASCADE_URL") or beside(CACHE_URL, database=2)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "portal.rest.authentication.ApiKeyAuthentication",
        "portal.rest.authentication.BrowserAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "portal.rest.permissions.KeysReadByScope",
    ],
    "DEFAULT_RENDERER_CLASSES": ["portal.rest.rendering.JSON"],
    "DEFAULT_PARSER_CLASSES": ["portal.rest.rendering.StrictJSON"],
    "DEFAULT_SCHEMA_CLASS": "portal.rest.schema.Schema",
    "DEFAULT_THROTTLE_CLASSES": ["portal.rest.throttling.PerKey"],
    "DEFAULT_THROTTLE_RATES": {"key": env("API_RATE", "600/min")},
    "DEFAULT_PAGINATION_CLASS": None,
    "EXCEPTION_HANDLER": "portal.rest.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Slipway",
    "DESCRIPTION": "Put AI features into production on AWS, inside a budget.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
}

AWS_REGION = env("AWS_REGION", "us-east-1")
AWS_ENDPOINT_URL = env("AWS_ENDPOINT_URL") or None
# How long AWS may still change a metric; the meter stays this far behind the clock.
METER_SETTLE_SECONDS = env_int("METER_SETTLE_SECONDS", default=0 if AWS_ENDPOINT_URL else 300)
METER_INTERVAL_SECONDS = env_int("METER_INTERVAL_SECONDS", default=60 if AWS_ENDPOINT_URL else 300)
# How often the reconciler looks again at something in motion, and at something at rest.
POLL_SECONDS = env_int("POLL_SECONDS", default=2 if AWS_ENDPOINT_URL else 15)
RESYNC_SECONDS = env_int("RESYNC_SECONDS", default=60 if AWS_ENDPOINT_URL else 300)
# How long one call that changes something in AWS may last; a lease must outlast it.
AWS_CONNECT_SECONDS = 3
AWS_CALL_SECONDS = env_int("AWS_CALL_SECONDS", default=20)
LEASE_SECONDS = env_int("LEASE_SECONDS", default=90)
if LEASE_SECONDS < 2 * (AWS_CONNECT_SECONDS + AWS_CALL_SECONDS):
    raise ImproperlyConfigured(
        f"LEASE_SECONDS must be at least {2 * (AWS_CONNECT_SECONDS + AWS_CALL_SECONDS)}: twice "
        f"what one call to AWS may last (AWS_CALL_SECONDS and {AWS_CONNECT_SECONDS} s to connect)."
    )

CELERY_BROKER_URL = BROKER_URL
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SOFT_TIME_LIMIT = 540
CELERY_TASK_TIME_LIMIT = 600
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 3
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
if BROKER_URL.startswith(("redis", "rediss")):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 900,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
        "health_check_interval": 25,
        "socket_connect_timeout": 5,
        "global_keyprefix": "slipway:",
        "queue_order_strategy": "priority",
        "priority_steps": [0, 3, 6, 9],
    }
elif BROKER_URL.startswith("amqp"):
    CELERY_TASK_DEFAULT_QUEUE_TYPE = "quorum"
    CELERY_TASK_DEFAULT_EXCHANGE_TYPE = "topic"
    CELERY_WORKER_DETECT_QUORUM_QUEUES = True
    CELERY_BROKER_NATIVE_DELAYED_DELIVERY_QUEUE_TYPE = "quorum"
    CELERY_BROKER_TRANSPORT_OPTIONS = {"confirm_publish": True}
CELERY_BEAT_SCHEDULE = {
    "reconcile-due": every(
        max(1, POLL_SECONDS // 2), "deployments.tasks.reconcile_due", expires_s=10
    ),
    "meter": every(
        env_int("METER_EVERY_SECONDS", default=20 if AWS_ENDPOINT_URL else 300),
        "deployments.tasks.meter",
        expires_s=60,
    ),
    "probes-due": every(60, "deployments.tasks.probes_due", expires_s=30),
    "note-moves": every(60, "deployments.tasks.note_moves", expires_s=30),
    "drain": every(1, "cascade.tasks.drain", expires_s=2),
    "publish-other": every(15, "cascade.tasks.publish_other", expires_s=15),
    "publish-snapshot": every(10, "cascade.tasks.publish_snapshot", expires_s=10),
    "watch-drift": every(60, "cascade.tasks.watch_drift", expires_s=60),
    "runs-due": every(15, "cascade.tasks.runs_due", expires_s=15),
    "check-counters": every(600, "cascade.tasks.check_counters", expires_s=60),
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", "WARNING")},
    "loggers": {
        "slipway": {"level": env("LOG_LEVEL", "INFO"), "propagate": True},
        "celery": {"level": "WARNING"},
    },
}
