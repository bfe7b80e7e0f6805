from django.db import models


class AllowedMove(models.Model):
    """One legal state change; the database trigger refuses every other. Filled from states.py after each migrate."""

    machine = models.CharField(max_length=40)
    from_state = models.CharField(max_length=40)
    to_state = models.CharField(max_length=40)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["machine", "from_state", "to_state"], name="allowed_move_once"),
        ]

    def __str__(self) -> str:
        return f"{self.machine}: {self.from_state} → {self.to_state}"
