from approvals.models.api_call import ApiCall
from approvals.models.audit import AuditCheckpoint, AuditEvent, AuditSeal, CheckpointDelivery, LegalHold
from approvals.models.desk import Absence, Remark, SavedFilter, Snooze, Viewing
from approvals.models.halt import Halt
from approvals.models.installation import Installation
from approvals.models.labels import Control, Label, StandingAnswer
from approvals.models.notice import Notice
from approvals.models.people import ApiToken, ApproverGroup, GroupMember, Profile, Team
from approvals.models.policy import PolicyVersion
from approvals.models.replay import PolicyReplay, PolicyReplayPart
from approvals.models.request import Decision, Request
from approvals.models.states import AllowedMove

__all__ = [
    "Absence",
    "AllowedMove",
    "ApiCall",
    "ApiToken",
    "ApproverGroup",
    "AuditCheckpoint",
    "AuditEvent",
    "AuditSeal",
    "CheckpointDelivery",
    "Control",
    "Decision",
    "GroupMember",
    "Halt",
    "Installation",
    "Label",
    "LegalHold",
    "Notice",
    "PolicyReplay",
    "PolicyReplayPart",
    "PolicyVersion",
    "Profile",
    "Remark",
    "Request",
    "SavedFilter",
    "Snooze",
    "StandingAnswer",
    "Team",
    "Viewing",
]
