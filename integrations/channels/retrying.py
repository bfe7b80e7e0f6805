"""When a delivery is tried again, and what a sender says when it could not send. Pure."""

import random
from datetime import datetime, timedelta

FIRST_PAUSE_S = 10.0
LONGEST_PAUSE_S = 3600.0
GIVE_UP_AFTER = timedelta(days=1)


class NotDelivered(Exception):
    """It did not arrive, as far as anyone can know. final: the same message will never be taken.

    retry_after_s: when the other side asked to come back.
    """

    def __init__(self, sentence: str, *, retry_after_s: float | None = None, final: bool = False) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.retry_after_s = retry_after_s
        self.final = final


def pause_s(attempts: int, retry_after_s: float | None, *, chance: float | None = None) -> float:
    """Return how long to wait after this many attempts: doubled each time, spread by a fifth, an hour at most.

    What the other side asks for is honoured up to the same hour: a stranger must not be able to silence us for a year.
    """
    spread = random.random() if chance is None else chance  # noqa: S311 - spreads load, guards nothing
    usual: float = min(FIRST_PAUSE_S * 2 ** min(attempts - 1, 12), LONGEST_PAUSE_S) * (0.8 + 0.4 * spread)
    asked = min(max(retry_after_s or 0.0, 0.0), LONGEST_PAUSE_S)
    return min(max(usual, asked), LONGEST_PAUSE_S)


def is_over(created_at: datetime, now: datetime) -> bool:
    """Return whether it has been tried for long enough."""
    return now - created_at >= GIVE_UP_AFTER
