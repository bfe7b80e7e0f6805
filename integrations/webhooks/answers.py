"""What the hook endpoint says. The senders' machines read these, so they are few and never change their meaning."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse


class Refused(Exception):
    """The delivery is not taken; `status` and `code` are for machines, the sentence for whoever sets the source up."""

    def __init__(self, status: int, code: str, sentence: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.sentence = sentence
        self.retry_after_s = retry_after_s

    def response(self) -> HttpResponse:
        answer = JsonResponse({"code": self.code, "message": self.sentence, "extra": {}}, status=self.status)
        if self.retry_after_s is not None:
            answer["Retry-After"] = str(self.retry_after_s)
        return answer


def kept(event_id: UUID, *, fresh: bool) -> HttpResponse:
    """202 for a delivery that is now kept, 200 for one that was kept before."""
    status = "accepted" if fresh else "duplicate"
    return JsonResponse({"id": str(event_id), "status": status}, status=202 if fresh else 200)


def challenge(text: Any) -> HttpResponse:
    """Slack asks once, when the address is entered, whether it is ours."""
    if not isinstance(text, str) or len(text) > 500:
        raise Refused(400, "bad_challenge", "The challenge is not a short text.")
    return JsonResponse({"challenge": text})


def database_away() -> HttpResponse:
    """Nothing was kept, so the sender is asked to come again."""
    return Refused(503, "unavailable", "The delivery could not be kept. Send it again.", retry_after_s=5).response()
