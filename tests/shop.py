"""A foreign shop for the tests of the loop: a real HTTP server that counts its effects from outside.

Refunds are kept per idempotency key like a payment provider does; mails have no key (a blind tool).
`faults` maps a path to what happens there: "slow", "500", "acts_then_hangs", "refuse".
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

_AMOUNT = {"type": "object", "required": ["order_id", "amount_minor", "currency"]}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "A shop", "version": "1"},
    "paths": {
        "/orders/{order_id}": {
            "get": {
                "operationId": "get_order",
                "parameters": [{"name": "order_id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "The order."}},
            }
        },
        "/refunds": {
            "post": {
                "operationId": "refund_order",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                **_AMOUNT,
                                "properties": {
                                    "order_id": {"type": "string"},
                                    "amount_minor": {"type": "integer", "minimum": 1},
                                    "currency": {"type": "string", "minLength": 3, "maxLength": 3},
                                    "note": {"type": "string"},
                                },
                            }
                        }
                    },
                },
                "responses": {"201": {"description": "The refund."}},
            }
        },
        "/mails": {
            "post": {
                "operationId": "send_mail",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["to", "text"],
                                "properties": {"to": {"type": "string"}, "text": {"type": "string"}},
                            }
                        }
                    },
                },
                "responses": {"201": {"description": "Sent."}},
            }
        },
    },
}
OVERRIDES: dict[str, Any] = {
    "refund_order": {
        "effect": "keyed",
        "idempotency": {"header": "Idempotency-Key", "window_h": 23},
        "money": {"amount": "amount_minor", "currency": "currency"},
        "target": {"argument": "order_id", "by": "get_order", "show": ["customer", "total_minor"]},
        "sentence": "Refund {money} for order {order_id}",
        "authority": ["order_id", "amount_minor", "currency"],
    },
    "send_mail": {"effect": "blind", "authority": ["to"], "sentence": "Mail to {to}"},
}


@dataclass
class Shop:
    """The running shop. Every refund counted once per key; `calls` counts what arrived at all."""

    port: int = 0
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    mails: list[dict[str, Any]] = field(default_factory=list)
    # Refunds that were taken back, in the order of it.
    cancelled: list[str] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)
    # What else, or otherwise, an order says.
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)
    server: ThreadingHTTPServer | None = None
    # Asked after each effect: answer only after the caller has given up?
    hangs: Callable[[], bool] = lambda: False

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"shop": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        assert self.server is not None
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def allow(self) -> tuple[str, ...]:
        return (f"127.0.0.1/32:{self.port}",)

    def paid(self, order_id: str) -> list[int]:
        """Return the amounts refunded for an order, one per effect."""
        return [refund["amount_minor"] for refund in self.refunds.values() if refund["order_id"] == order_id]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    shop: Shop

    def do_GET(self) -> None:
        self.shop.calls["get_order"] += 1
        order_id = self.path.rpartition("/")[2]
        if order_id == "missing":
            return self._answer(404, {"error": "no such order"})
        order = {"order_id": order_id, "customer": f"Customer of {order_id}", "total_minor": 128000}
        self._answer(200, {**order, **self.shop.records.get(order_id, {})})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        fault = self.shop.faults.get(self.path, "")
        if fault == "refuse":
            return self._answer(422, {"error": "this order cannot be refunded"})
        if fault == "500":
            return self._answer(500, {"error": "down"})
        with self.shop.lock:
            answer = self._act(body)
        if fault == "acts_then_hangs" or self.shop.hangs():
            time.sleep(1.5)
        self._answer(201, answer)

    def _act(self, body: dict[str, Any]) -> dict[str, Any]:
        if self.path == "/mails":
            self.shop.calls["send_mail"] += 1
            self.shop.mails.append(body)
            return {"sent": True}
        if self.path.endswith("/cancel"):
            self.shop.calls["cancel_refund"] += 1
            self.shop.cancelled.append(self.path.split("/")[-2])
            return {"refund_id": self.path.split("/")[-2], "status": "cancelled"}
        self.shop.calls["refund_order"] += 1
        key = self.headers.get("Idempotency-Key") or f"none-{len(self.shop.refunds)}"
        return self.shop.refunds.setdefault(key, {"refund_id": f"R{len(self.shop.refunds) + 1}", **body})

    def _answer(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_parts: object) -> None:
        pass
