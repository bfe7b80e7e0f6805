"""Entry point of the web processes."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
# Import every view before the first request and before gunicorn forks: nobody waits for it, and it is done once.
_ = get_resolver().url_patterns
