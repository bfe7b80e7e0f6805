"""The tools that a connection's document would give, before the connection is there."""

from integrations.channel_documents import is_channel
from integrations.openapi.call import Account, host_of
from integrations.openapi.tools import ConnectionTools, tools_of
from integrations.package.diffing import Document


def tools_of_document(document: Document) -> ConnectionTools:
    """Return the tools that a connection's canonical document describes. Raises BadDocument or BadOverrides."""
    if is_channel(document):
        return ConnectionTools({}, {}, {}, {}, ())
    auth = document["auth"] or {"header": "", "value": ""}
    account = Account(
        connection=document["name"],
        base_url=document["base_url"],
        auth_header=auth["header"],
        auth_secret=auth["value"],
        auth_secret_host=host_of(document["base_url"]),
    )
    return tools_of(
        document=document["document"], overrides=document["tools"], account=account, timeout_s=document["timeout_s"]
    )
