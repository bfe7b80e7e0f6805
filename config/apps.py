from django.apps import AppConfig


class WiringConfig(AppConfig):
    """No models: it is an app only so that Django finds its commands and its checks."""

    name = "config"
    label = "config"

    def ready(self) -> None:
        from config import checks  # noqa: F401  (registers them)
