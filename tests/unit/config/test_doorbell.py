import json
from types import SimpleNamespace
from typing import Any

import pytest

from config.queues import RING
from config.worker.doorbell import refusal


def _job(name: str = RING, *, data: bytes | None = None, **more: Any) -> Any:
    content = data if data is not None else json.dumps([name, None, [], {}]).encode()
    callbacks = dict.fromkeys(("_success_callback_name", "_failure_callback_name", "_stopped_callback_name"))
    return SimpleNamespace(**({"data": content, "webhooks": []} | callbacks | more))


def test_the_ring_is_allowed() -> None:
    assert refusal(_job()) == ""


@pytest.mark.parametrize(
    "job",
    [
        _job("os.system"),
        _job("agents.jobs.sweep_runs"),
        _job(data=b"\x80\x04\x95not json"),
        _job(data=b'"just a text"'),
        _job(data=json.dumps([RING, {"__class__": "x"}, [], {}]).encode()),
        _job(data=json.dumps([RING, None, ["positional"], {}]).encode()),
        _job(data=json.dumps([RING, None, [], {"deep": {"er": 1}}]).encode()),
        _job(_success_callback_name="os.system"),
        _job(_failure_callback_name="os.system"),
        _job(_stopped_callback_name="os.system"),
        _job(webhooks=["http://attacker/"]),
    ],
)
def test_everything_else_is_refused(job: Any) -> None:
    assert refusal(job)
