from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # The edges announce themselves to the layer below, which knows none of them.
        from agents.providers.transport import set_transport_factory
        from agents.tools.registry import register_source
        from approvals.installing import register_machine
        from approvals.sealing.delivery import register_sender
        from integrations import checks  # noqa: F401 - registers itself
        from integrations.channels import settled
        from integrations.channels.checkpoints import mail_checkpoint, post_checkpoint
        from integrations.http import OutboundRefused, attempt_until, guarded_transport
        from integrations.package import applying
        from integrations.states import EVENT_MOVES
        from integrations.tool_source import connection_tools

        applying.register()
        settled.connect()
        register_machine("event", EVENT_MOVES)
        register_source(connection_tools)
        set_transport_factory(guarded_transport, within=attempt_until, refused=(OutboundRefused,))
        register_sender("webhook", post_checkpoint)
        register_sender("mail", mail_checkpoint)
