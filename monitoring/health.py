"""What machines ask: alive, ready, figures. No sign-in; the figures are behind a token."""

import hashlib
import hmac
from collections.abc import Iterable
from http import HTTPStatus

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitoring import vitals


@login_not_required
@require_safe
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """200 while this process answers at all."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """503 when nothing can be served: no database, or an older schema. All else is 200 and says what is degraded."""
    try:
        connection.ensure_connection()
        if not vitals.Migrations.current():
            return _not_ready("migrations", "The database has an older schema. Run: manage.py migrate")
        return JsonResponse(_report(vitals.read_vitals()))
    except DatabaseError:
        return _not_ready("database", "The database does not answer.")


@login_not_required
@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus's text, for whoever carries METRICS_TOKEN."""
    expected = settings.METRICS_TOKEN
    if not expected:
        return _refused(HTTPStatus.FORBIDDEN, "Set METRICS_TOKEN to let a Prometheus server read the figures.")
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(_digest(given), _digest(expected)):
        return _refused(HTTPStatus.UNAUTHORIZED, "The bearer token is missing or wrong.")
    registry = CollectorRegistry()
    registry.register(Figures())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class Figures(Collector):
    """Counts read from the database at the moment of the question: right whichever process answers."""

    def collect(self) -> Iterable[Metric]:
        for name, by_state in vitals.counts().items():
            family = GaugeMetricFamily(name, f"Rows by state: {name.removeprefix('countersign_')}", labels=["state"])
            for state, count in sorted(by_state.items()):
                family.add_metric([state], count)
            yield family
        found = vitals.read_vitals()
        yield GaugeMetricFamily("countersign_queue_up", "1 while the Redis-protocol server answers", value=found.queue)
        yield _age(
            "countersign_oldest_due_run_seconds", "Age of the oldest due run, 0 for none", found.oldest_due_run_s
        )
        yield _age("countersign_seal_lag_seconds", "Age of the oldest audit row that is not sealed", found.seal_lag_s)
        yield _age("countersign_worker_seen_seconds", "Seconds since the newest worker's sign", found.worker_seen_s)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _age(name: str, text: str, value: float | None) -> Metric:
    return GaugeMetricFamily(name, text, value=value or 0.0)


def _report(found: vitals.Vitals) -> dict[str, object]:
    return {
        "status": "degraded" if found.troubles else "ok",
        "queue": "ok" if found.queue else "away",
        "newest_worker_s": _rounded(found.worker_seen_s),
        "clock_s": _rounded(found.clock_seen_s),
        "oldest_due_run_s": _rounded(found.oldest_due_run_s),
        "seal_lag_s": _rounded(found.seal_lag_s),
        "undelivered": found.undelivered,
        "troubles": list(found.troubles),
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(max(seconds, 0.0), 1)


def _not_ready(what: str, sentence: str) -> HttpResponse:
    body = {"status": "unavailable", "what": what, "troubles": [sentence]}
    return JsonResponse(body, status=HTTPStatus.SERVICE_UNAVAILABLE)


def _refused(status: HTTPStatus, sentence: str) -> HttpResponse:
    return JsonResponse(
        {"code": status.phrase.lower().replace(" ", "_"), "message": sentence, "extra": {}}, status=status
    )


urlpatterns = [
    path("healthz", live, name="healthz"),
    path("readyz", ready, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
