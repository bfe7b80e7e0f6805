"""Settings, in one order: core, apps, middleware, database, Redis, queues, sign-in, templates, static, security, logging, product.

The environment is read here through config.env and nowhere else.
"""

import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config import env
from config.embedded.places import APP, fill_environment, places
from config.logging import logging_settings

fill_environment()
BASE_DIR = Path(__file__).resolve().parent.parent
HERE = places()

# --- core
_key = env.secret("SECRET_KEY")
SECRET_KEY_MADE_UP = not _key
SECRET_KEY = _key or secrets.token_urlsafe(50)
DEBUG = env.boolean("DEBUG", False)
PORT = env.integer("PORT", 8000, low=1, high=65535)
# One proxy in front of us that sets X-Forwarded-For and X-Forwarded-Proto itself, whatever its caller sent.
BEHIND_PROXY = env.boolean("BEHIND_PROXY", False)
PUBLIC_URL = env.web_address("PUBLIC_URL", f"http://127.0.0.1:{PORT}")
SECURE = PUBLIC_URL.startswith("https://")
# An installation without an https address listens on loopback only, under whatever name people reach that.
ALLOWED_HOSTS = list(
    env.listing("ALLOWED_HOSTS", (str(urlsplit(PUBLIC_URL).hostname), "127.0.0.1", "localhost", "[::1]"))
)
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
LANGUAGE_CODE = "en-gb"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
APPEND_SLASH = True

# --- apps
INSTALLED_APPS = [
    "config",
    "monitoring",
    "integrations",
    "integrations.practice",
    "agents",
    "approvals",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "template_partials",
    "django_htmx",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "django_rq",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
]

# --- middleware
MIDDLEWARE = [
    "config.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.middleware.SignInMiddleware",
    "approvals.middleware.PersonalTimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "config.second_factor.RequireSecondFactorMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.web.DomainErrorMiddleware",
]

# --- database
_connections = env.integer("DB_POOL", 0, high=200)
DATABASES = {"default": env.database("DATABASE_URL", HERE.database_url(APP))}
_options = DATABASES["default"].setdefault("OPTIONS", {})
_options.setdefault("connect_timeout", 5)
if _connections:
    # Threads borrow a connection for a transaction and give it back before they wait for anything else.
    _options["pool"] = {"min_size": 1, "max_size": _connections, "timeout": 10, "max_lifetime": 3600}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.integer("DB_CONN_MAX_AGE", 600)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

# The role that gets its rights after a migration, when the tables' owner is another one.
DATABASE_APP_ROLE = env.text("DATABASE_APP_ROLE")

# --- Redis
REDIS_URL = env.redis_address("REDIS_URL", HERE.redis_url)
CACHES = {"default": {"BACKEND": "config.open_cache.OpenCache", "LOCATION": REDIS_URL, "KEY_PREFIX": "cs"}}

# --- queues
RQ = {"COMMIT_MODE": "on_db_commit", "DEFAULT_RESULT_TTL": 0}
RQ_QUEUES = {"work": {"URL": REDIS_URL, "SERIALIZER": "rq.serializers.JSONSerializer", "DEFAULT_TIMEOUT": 30}}
RQ_SHOW_ADMIN_LINK = False

# --- sign-in
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "config.sign_in.SignInAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if BEHIND_PROXY else 0
ACCOUNT_RATE_LIMITS = {
    "login_failed": "10/m/ip,5/300s/key",
    "reauthenticate": "10/m/user",
    "change_password": "5/m/user",
}
MFA_ADAPTER = "config.second_factor.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# Browsers offer keys over http on localhost only; that is where the practice company is tried.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SECURE
MFA_TOTP_TOLERANCE = 1
# An admin enters mail addresses here; nobody proves one by a link.
MFA_ALLOW_UNVERIFIED_EMAIL = True
REQUIRE_SECOND_FACTOR = env.boolean("REQUIRE_SECOND_FACTOR", False)
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True

# --- single sign-on: an issuer that speaks OpenID Connect, such as Keycloak, Entra ID or Okta
OIDC_ISSUER = env.text("OIDC_ISSUER")
_issuer = urlsplit(OIDC_ISSUER)
# The claim that finds a person's account the first time: a verified "email", or another that holds the name here.
OIDC_MATCH = env.text("OIDC_MATCH", "email")
# Who holds somebody's session connects no account of their own to it.
SOCIALACCOUNT_REAUTHENTICATION_REQUIRED = True
SOCIALACCOUNT_ADAPTER = "config.single_sign_on.SingleSignOnAdapter"
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": []}}
if OIDC_ISSUER:
    SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"].append(
        {
            "provider_id": "company",
            "name": env.text("OIDC_NAME", "your company account"),
            "client_id": env.text("OIDC_CLIENT_ID"),
            "secret": env.secret("OIDC_CLIENT_SECRET"),
            "settings": {"server_url": OIDC_ISSUER},
        }
    )

# --- templates
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
                "monitoring.shell.shell",
            ],
        },
    }
]

# --- static files: served by WhiteNoise from where they lie, nothing is built
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# --- security
SECURE_CONTENT_TYPE_NOSNIFF = True
# Tells other sites nothing. "no-referrer" would make browsers send "Origin: null" with our own forms, which Django refuses.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
_EMPTY_STYLE = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        # The chart library adds one empty <style>; its hash lets that through and nothing else.
        "style-src": ["'self'", _EMPTY_STYLE],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        # The sign-in form is answered with a redirect to the issuer; browsers count that as its target too.
        "form-action": ["'self'", *([f"{_issuer.scheme}://{_issuer.netloc}"] if OIDC_ISSUER else [])],
    }
}
if SECURE:
    CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
    SECURE_SSL_REDIRECT = env.boolean("SSL_REDIRECT", False)
else:
    # Two installations on one machine share the host name, so their cookies carry the port.
    SESSION_COOKIE_NAME = f"countersign_session_{PORT}"
    CSRF_COOKIE_NAME = f"countersign_csrf_{PORT}"

# --- logging
LOGGING_CONFIG = "config.logging.configure"
LOGGING = logging_settings(level=env.text("LOG_LEVEL", "INFO"), as_json=env.boolean("LOG_JSON", False))

# --- REST
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["approvals.rest.parsing.BoundedJsonParser"],
    "DEFAULT_PERMISSION_CLASSES": ["approvals.rest.authentication.HasScope"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["approvals.rest.authentication.TokenAuthentication"],
    "EXCEPTION_HANDLER": "approvals.rest.errors.answer",
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Countersign",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
}

# --- product
DEMO = env.boolean("DEMO", True)
LOCAL_URL = f"http://127.0.0.1:{PORT}"
PRACTICE_URL = env.web_address("PRACTICE_URL", "http://127.0.0.1:8711")
PRACTICE_TOKEN = env.secret("PRACTICE_TOKEN")
PRACTICE_HOOK_SECRET = env.secret("PRACTICE_HOOK_SECRET")
OUTBOUND_ALLOW = env.listing("OUTBOUND_ALLOW")
SECRET_NAMES = env.listing("SECRET_NAMES")
SECRETS_DIR = env.text("SECRETS_DIR")
SECRET_KEYS = tuple(part.strip() for part in env.secret("SECRET_KEYS").replace("\n", ",").split(",") if part.strip())
API_CALLS_PER_MINUTE = env.integer("API_CALLS_PER_MINUTE", 6000, low=1, high=1_000_000)
# Seconds that a mail about a request waits: who decides at once in the inbox gets none.
MAIL_DELAY_S = env.integer("MAIL_DELAY_S", 15, low=0, high=3600)
# Certificate authorities that mail servers are checked against, where the system's own are not enough.
MAIL_CA_FILE = env.text("MAIL_CA_FILE")
METRICS_TOKEN = env.secret("METRICS_TOKEN")
# Names the Ed25519 key that signs audit checkpoints (env:NAME or file:/path), and where these go: folder:, mail:, webhook:
AUDIT_KEY = env.text("AUDIT_KEY", "env:AUDIT_SIGNING_KEY")
AUDIT_CHECKPOINTS = env.listing("AUDIT_CHECKPOINTS", (f"folder:{HERE.data / 'checkpoints'}",))
AUDIT_MARKER = env.text("AUDIT_MARKER", str(HERE.data / "audit-marker.json"))
LEASE_S = env.integer("LEASE_S", 15, low=1, high=600)
HEARTBEAT_S = env.integer("HEARTBEAT_S", 5, low=1, high=200)
WORKER_THREADS = env.integer("WORKER_THREADS", 32, low=1, high=512)
POLL_S = 2.0
# The first pause before a call is tried again; doubled each time, with jitter.
RETRY_BASE_S = 0.2
WARM_STOP_S = 20
