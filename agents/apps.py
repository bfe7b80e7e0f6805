from django.apps import AppConfig


class AgentsConfig(AppConfig):
    name = "agents"
    default_auto_field = "django.db.models.BigAutoField"
    append_only_tables = ("agents_step", "agents_agentversion")

    def ready(self) -> None:
        from agents import changes, receivers  # noqa: F401 - connects the signals
        from agents.after_restore import freeze
        from agents.ledger import Ledger
        from agents.states import ACTION_MOVES, RUN_MOVES
        from approvals.installing import register_machine
        from approvals.ports import register_ledger
        from approvals.sealing.restored import register_freezer

        register_machine("run", RUN_MOVES)
        register_machine("action", ACTION_MOVES)
        register_ledger(Ledger())
        register_freezer(freeze)
        changes.register()
