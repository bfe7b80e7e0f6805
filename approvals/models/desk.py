from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from approvals.models.request import Request
from config.ids import new_id


class Absence(models.Model):
    """Out of office, with dates: the delegate may sign meanwhile what the absent person could. One at a time."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="absences")
    delegate = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="standing_in_for")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="absence_has_length"),
            models.CheckConstraint(condition=~models.Q(user=models.F("delegate")), name="nobody_delegates_to_self"),
        ]

    def __str__(self) -> str:
        return f"{self.delegate} for {self.user}"


class Snooze(models.Model):
    """One person does not want to see one open request before `until`. Others see it, and its deadline goes on."""

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="snoozes")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    until = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request", "user"], name="one_snooze_per_person")]

    def __str__(self) -> str:
        return f"{self.request_id} until {self.until}"


class Viewing(models.Model):
    """One person has, or had, one card before them: presence now (`seen_at` is fresh), time on the card later."""

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="viewings")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    opened_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now(), db_index=True)
    looked_ms = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request", "user"], name="one_viewing_per_person")]

    def __str__(self) -> str:
        return f"{self.user} on {self.request_id}"


class SavedFilter(models.Model):
    """A named query of the inbox's list, of one person."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_filters")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=500)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="filter_name_once")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Remark(models.Model):
    """What was said beside an open request without settling it: a note, a question to the agent, and its answer."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="remarks")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    kind = models.CharField(max_length=20)
    text = models.TextField()
    # Of a question to the agent: "waiting", "answered" or "failed"; empty for everything else.
    state = models.CharField(max_length=20, blank=True)
    answers = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="replies")
    # Why a question got no answer, in a sentence for people.
    problem = models.TextField(blank=True)
    # Of an answer: which model gave it, and what that used. None: the provider did not say.
    model = models.CharField(max_length=200, blank=True)
    input_tokens = models.BigIntegerField(null=True, blank=True)
    output_tokens = models.BigIntegerField(null=True, blank=True)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=8, null=True, blank=True)
    # Of a question: not to be claimed before, and how often it was.
    try_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["created_at"], condition=models.Q(state="waiting"), name="remark_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} on {self.request_id}"
