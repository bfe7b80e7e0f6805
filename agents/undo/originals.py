"""Which action a call of an undoing run takes back."""

from agents.models import Action, Run
from agents.states import ActionState

CALL = "undo-"


def original_of(run: Run, call_id: str) -> Action | None:
    """Return the action that this call takes back, locked; None in every other run."""
    if run.undoes_id is None or not call_id.startswith(CALL):
        return None
    rows = Action.objects.select_for_update(of=("self",)).select_related("run__agent")
    return rows.get(pk=call_id.removeprefix(CALL), run_id=run.undoes_id)


def is_taken_back_elsewhere(run: Run, call_id: str) -> bool:
    """Return whether another rollback was faster: one deed is taken back once."""
    original = original_of(run, call_id)
    return original is not None and original.state != ActionState.SUCCEEDED
