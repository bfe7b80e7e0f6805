"""Tickets, what is known, and everything that the shop wrote to somebody."""

from django.db import models
from django.db.models.functions import Now

from integrations.practice.states import Priority, TicketStatus


class Ticket(models.Model):
    number = models.CharField(max_length=60, primary_key=True)
    requester_email = models.CharField(max_length=254, blank=True)
    requester_name = models.CharField(max_length=200, blank=True)
    subject = models.CharField(max_length=300, blank=True)
    body = models.TextField(blank=True)
    order_number = models.CharField(max_length=40, blank=True)
    status = models.CharField(max_length=20, choices=TicketStatus.choices(), default=TicketStatus.OPEN)
    category = models.CharField(max_length=40, blank=True)
    priority = models.CharField(max_length=10, choices=Priority.choices(), default=Priority.NORMAL)
    queue = models.CharField(max_length=40, blank=True)
    resolution = models.CharField(max_length=300, blank=True)
    sla_due_at = models.DateTimeField()
    reminded_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "practice_ticket"
        indexes = [models.Index(fields=["-created_at"], name="practice_ticket_newest")]

    def __str__(self) -> str:
        return f"ticket {self.number}"


class TicketReply(models.Model):
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="replies")
    body = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        db_table = "practice_ticket_reply"

    def __str__(self) -> str:
        return f"reply to {self.ticket_id}"


class Article(models.Model):
    """One page of the knowledge base. `words` are what people ask with, in any language."""

    slug = models.SlugField(max_length=80, primary_key=True)
    language = models.CharField(max_length=2, default="en")
    title = models.CharField(max_length=200)
    body = models.TextField()
    words = models.TextField(blank=True)

    class Meta:
        db_table = "practice_article"

    def __str__(self) -> str:
        return self.title


class Mail(models.Model):
    """A mail in the outbox: the practice company sends nothing anywhere."""

    to = models.CharField(max_length=254)
    subject = models.CharField(max_length=300)
    body = models.TextField()
    about = models.CharField(max_length=80, blank=True)
    sent_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, blank=True)
    clicked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "practice_mail"
        indexes = [models.Index(fields=["to", "-sent_at"], name="practice_mail_to")]

    def __str__(self) -> str:
        return f"mail to {self.to}: {self.subject}"

    @property
    def number(self) -> str:
        return f"M-{self.pk}"


class ChannelNotice(models.Model):
    """A line in a chat channel."""

    channel = models.CharField(max_length=40)
    text = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        db_table = "practice_notice"

    def __str__(self) -> str:
        return f"#{self.channel}: {self.text[:60]}"


class Subscription(models.Model):
    list_name = models.CharField(max_length=40)
    email = models.CharField(max_length=254)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "practice_subscription"
        constraints = [models.UniqueConstraint(fields=["list_name", "email"], name="practice_subscribed_once")]

    def __str__(self) -> str:
        return f"{self.email} on {self.list_name}"
