from django.apps import AppConfig


class PracticeConfig(AppConfig):
    """The practice company: a small shop to let agents work on. Nothing else in the product reads its tables."""

    name = "integrations.practice"
    label = "practice"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Practice company"
