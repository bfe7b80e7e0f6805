"""The offline model: plays the ready-made workflows by plain rules, without a network or key. Labelled as such everywhere."""

from agents.providers.offline.player import OfflineProvider

__all__ = ["OfflineProvider"]
