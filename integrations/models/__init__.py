from integrations.models.channels import ChannelLink, Delivery, DigestMark, LinkCode
from integrations.models.edges import Connection, Event, Source, Trigger

__all__ = ["ChannelLink", "Connection", "Delivery", "DigestMark", "Event", "LinkCode", "Source", "Trigger"]
