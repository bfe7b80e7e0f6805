"""Seconds to wait for the Redis-protocol server, for settings and for clients."""

CONNECT_S = 0.3
REPLY_S = 0.5
CONNECTIONS = 64
