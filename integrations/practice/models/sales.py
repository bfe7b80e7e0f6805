"""Leads that became records, and the companies that the enrichment service knows."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from integrations.practice.states import Tier


class Company(models.Model):
    """What an enrichment service knows of a company. `employees` is empty where it does not know."""

    domain = models.CharField(max_length=120, primary_key=True)
    name = models.CharField(max_length=200)
    industry = models.CharField(max_length=80, blank=True)
    employees = models.PositiveIntegerField(null=True, blank=True)
    country = models.CharField(max_length=2, blank=True)
    competitor = models.BooleanField(default=False)

    class Meta:
        db_table = "practice_company"

    def __str__(self) -> str:
        return f"{self.name} ({self.domain})"


class CrmRecord(models.Model):
    email = models.CharField(max_length=254, primary_key=True)
    lead_number = models.CharField(max_length=60, blank=True)
    name = models.CharField(max_length=200, blank=True)
    company = models.CharField(max_length=200, blank=True)
    domain = models.CharField(max_length=120, blank=True)
    job_title = models.CharField(max_length=200, blank=True)
    employees = models.PositiveIntegerField(null=True, blank=True)
    tier = models.CharField(max_length=10, choices=Tier.choices())
    score = models.PositiveSmallIntegerField()
    value_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, default="EUR")
    summary = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "practice_crm_record"
        constraints = [models.CheckConstraint(condition=Q(score__lte=10), name="practice_score_to_ten")]

    def __str__(self) -> str:
        return f"{self.email} {self.tier} {self.score}"


class FollowUp(models.Model):
    email = models.CharField(max_length=254)
    task = models.CharField(max_length=300)
    due_at = models.DateTimeField()
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "practice_follow_up"

    def __str__(self) -> str:
        return f"{self.task} for {self.email}"
