from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ApprovalsConfig(AppConfig):
    name = "approvals"
    default_auto_field = "django.db.models.BigAutoField"
    # The app's database role may add rows to these and never change one (config/grants.py).
    append_only_tables = (
        "approvals_auditevent",
        "approvals_auditseal",
        "approvals_auditcheckpoint",
        "approvals_label",
        "approvals_control",
    )
    # What the guards on states ask: written by whoever migrates.
    read_only_tables = ("approvals_allowedmove",)

    def ready(self) -> None:
        from approvals import (
            absences,
            authority,
            halt_release,
            people_changes,
            policy_changes,
            sign_ins,
            standing,
            team_settings,
        )
        from approvals.installing import ensure_basics

        policy_changes.register()
        sign_ins.register()
        halt_release.register()
        authority.register()
        people_changes.register()
        absences.register()
        team_settings.register()
        standing.register()
        post_migrate.connect(ensure_basics, sender=self)
