from agents.models.action import Action
from agents.models.agent import Agent, AgentVersion
from agents.models.ledger import AgentDay, WorkerBeat
from agents.models.provider import Provider
from agents.models.rollback import Rollback
from agents.models.run import Run
from agents.models.step import Step

__all__ = ["Action", "Agent", "AgentDay", "AgentVersion", "Provider", "Rollback", "Run", "Step", "WorkerBeat"]
