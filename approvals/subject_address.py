"""Where the page about one subject is. A subject is whatever a stranger's system called it, so it may be anything."""

import re

from django.urls import reverse
from django.utils.http import urlencode

# What stands in a path as it is, in no browser's eyes another path. Everything else goes into the query.
_PLAIN = re.compile(r"[\w.@:+=,~-]+(?:[ /][\w.@:+=,~-]+)*", re.ASCII)
_DOTS = re.compile(r"(?:^|/)\.{1,2}(?:/|$)")


def subject_address(subject: str) -> str:
    """Return the address of this subject's page; hostile or odd names (dots, slashes, controls) stand in the query."""
    if _PLAIN.fullmatch(subject) and not _DOTS.search(subject):
        return reverse("monitoring:subject", args=[subject])
    return f"{reverse('monitoring:subjects')}?{urlencode({'exact': subject})}"
