"""The practice company's API as a stranger meets it: token, rules, remembered keys, faults, and its document."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import jsonschema_rs
import pytest
from django.utils import timezone

from integrations.practice.openapi import DOCUMENT_PATH, document
from integrations.practice.operations.catalogue import OPERATIONS
from integrations.practice.seeding import seed
from tests.practice_company import TOKEN


@pytest.fixture
def api(address: str) -> Iterator[httpx2.Client]:
    seed(now=timezone.now(), fresh=True)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx2.Client(base_url=address, headers=headers, trust_env=False, timeout=10) as client:
        yield client


def refund(
    api: httpx2.Client, amount: int = 1000, *, order: str = "1001", key: str = "", **more: Any
) -> httpx2.Response:
    headers = {"Idempotency-Key": key} if key else {}
    body = {"amount_minor": amount, "currency": "EUR", **more}
    return api.post(f"/orders/{order}/refunds", json=body, headers=headers)


def paid(api: httpx2.Client, order: str = "1001") -> int:
    return int(api.get("/refunds", params={"order_id": order}).json()["paid_count"])


def test_without_the_token_nothing_is_answered(api: httpx2.Client, address: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": ""}):
        assert httpx2.get(f"{address}/orders/1001", headers=headers, trust_env=False).status_code == 401


def test_no_token_set_answers_nobody(api: httpx2.Client, settings: object) -> None:
    settings.PRACTICE_TOKEN = ""  # type: ignore[attr-defined]
    assert api.get("/orders/1001", headers={"Authorization": ""}).status_code == 503


RULES_OF_THE_SHOP: list[tuple[Any, str, dict[str, Any], int, str | None]] = [
    (3031, "1001", {}, 409, "more_than_left"),
    (1000, "1001", {"currency": "USD"}, 409, "currency_mismatch"),
    (1000, "9999", {}, 404, "not_found"),
    (100, "1104", {}, 409, "not_paid"),
    (0, "1001", {}, 422, "invalid"),
    (-5, "1001", {}, 422, "invalid"),
    (True, "1001", {}, 422, "invalid"),
    ("100", "1001", {}, 422, "invalid"),
    (1.5, "1001", {}, 422, "invalid"),
    (100, "1001", {"colour": "red"}, 422, "invalid"),
    (3030, "1001", {}, 200, None),
]


def test_refund_follows_the_rules_of_the_shop(api: httpx2.Client) -> None:
    for amount, order, more, status, code in RULES_OF_THE_SHOP:
        answer = refund(api, amount, order=order, **more)
        assert (answer.status_code, answer.json().get("code")) == (status, code), (amount, order, more)
    assert paid(api) == 1


def test_same_key_and_body_pays_once(api: httpx2.Client) -> None:
    first, second = refund(api, key="k1"), refund(api, key="k1")
    assert first.json() == second.json()
    assert second.headers["idempotent-replayed"] == "true"
    assert paid(api) == 1


def test_same_key_with_another_body_is_refused(api: httpx2.Client) -> None:
    refund(api, 1000, key="k1")
    assert refund(api, 999, key="k1").json()["code"] == "key_reused"
    assert api.post("/orders/1101/cancel", headers={"Idempotency-Key": "k1"}).json()["code"] == "key_reused"
    assert paid(api) == 1


def test_many_requests_at_once_under_one_key_pay_once(api: httpx2.Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: refund(api, key="k1"), range(16)))
    assert {answer.status_code for answer in answers} == {200}
    assert paid(api) == 1


def test_many_refunds_at_once_never_pay_more_than_the_order(api: httpx2.Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: refund(api, 1000, key=f"k{number}"), range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [409] * 7


def test_refused_request_leaves_its_key_free(api: httpx2.Client) -> None:
    assert refund(api, 999_999, key="k1").status_code == 409
    assert refund(api, 999_999, key="k1").status_code == 409
    assert refund(api, 100, key="k1").status_code == 200


def test_cancelled_refund_can_be_paid_again(api: httpx2.Client) -> None:
    number = refund(api, 3030).json()["refund_id"]
    assert api.post(f"/refunds/{number}/cancel").json()["status"] == "cancelled"
    assert refund(api, 3030).status_code == 200


def test_fault_acts_then_times_out_has_acted(api: httpx2.Client) -> None:
    api.put("/control/faults/refund_order", json={"kind": "acts_then_times_out", "seconds": 0, "remaining": 1})
    assert refund(api, key="k1").status_code == 504
    assert paid(api) == 1
    assert refund(api, key="k1").status_code == 200
    assert paid(api) == 1


def test_fault_500_has_not_acted(api: httpx2.Client) -> None:
    api.put("/control/faults/refund_order", json={"kind": "error_500", "remaining": 1})
    assert refund(api).status_code == 500
    assert paid(api) == 0


def test_fault_reset_breaks_the_connection_after_acting(api: httpx2.Client) -> None:
    api.put("/control/faults/refund_order", json={"kind": "reset", "remaining": 1})
    with pytest.raises(httpx2.HTTPError):
        refund(api, key="k1")
    assert paid(api) == 1


def test_fault_is_cleared(api: httpx2.Client) -> None:
    api.put("/control/faults/get_order", json={"kind": "error_500"})
    assert api.get("/control/faults").json()["faults"][0]["operation"] == "get_order"
    api.delete("/control/faults/get_order")
    assert api.get("/orders/1001").status_code == 200


def test_odd_faults_are_refused(api: httpx2.Client) -> None:
    for body in ({"kind": "burn"}, {"kind": "slow", "seconds": "x"}, {}):
        assert api.put("/control/faults/get_order", json=body).status_code == 422


def test_order_goes_from_new_to_ready_and_its_stock_is_promised(api: httpx2.Client) -> None:
    before = api.get("/stock/MUG-01").json()["available"]
    assert api.post("/orders/1101/shipment").json()["code"] == "not_picked"
    assert api.post("/orders/1101/pick-list").json()["status"] == "picking"
    order = api.post("/orders/1101/shipment", json={"service": "express"}).json()
    assert order["status"] == "ready" and order["tracking"]
    assert api.get("/stock/MUG-01").json()["available"] == before - 1


def test_pick_list_is_refused_without_payment_address_or_stock(api: httpx2.Client) -> None:
    wanted = {"1104": "not_paid", "1105": "address_incomplete", "1106": "out_of_stock", "1001": "wrong_state"}
    assert {order: api.post(f"/orders/{order}/pick-list").json()["code"] for order in wanted} == wanted


def test_several_orders_are_cancelled_all_or_none(api: httpx2.Client) -> None:
    assert api.post("/order-cancellations", json={"order_ids": ["1101", "1001"]}).status_code == 409
    assert api.get("/orders/1101").json()["status"] == "new"
    assert api.post("/order-cancellations", json={"order_ids": ["1101", "1102"]}).json()["count"] == 2


def test_import_takes_prices_from_the_catalogue_and_changes_nothing_twice(api: httpx2.Client) -> None:
    body = {
        "customer_email": "new@example.com",
        "lines": [{"sku": "MUG-01", "quantity": "2"}],
        "payment_status": "paid",
    }
    first = api.put("/orders/W-1", json=body).json()
    assert first["total_minor"] == 2580 and first["payment_status"] == "paid" and not first["address_complete"]
    assert api.put("/orders/W-1", json={**body, "payment_status": "declined"}).json()["payment_status"] == "paid"


def test_ticket_of_another_person_is_not_taken_over(api: httpx2.Client) -> None:
    assert (
        api.put("/tickets/T-501", json={"requester_email": "thief@example.com"}).json()["code"] == "another_requester"
    )


def test_closed_ticket_takes_no_reply(api: httpx2.Client) -> None:
    api.post("/tickets/T-501/close", json={"resolution": "done"})
    assert api.post("/tickets/T-501/replies", json={"body": "hello"}).json()["code"] == "closed"


def test_mail_subject_with_a_line_break_is_refused(api: httpx2.Client) -> None:
    mail = {"email": "a@b.example", "subject": "Hi\r\nBcc: x@y.example", "body": "x"}
    assert api.post("/mail", json=mail).status_code == 422


def test_broken_json_is_refused(api: httpx2.Client) -> None:
    for body in (b"{", b"[]", b'{"a":1,"a":2}', b"\xff", b'{"amount_minor":NaN}', b"{" * 70_000):
        assert api.post("/orders/1001/refunds", content=body).status_code == 400


def test_document_is_the_one_that_is_served_and_current(api: httpx2.Client) -> None:
    assert json.loads(DOCUMENT_PATH.read_text(encoding="utf-8")) == document() == api.get("/openapi.json").json()
    served = {op["operationId"] for path in document()["paths"].values() for op in path.values()}
    assert served == set(OPERATIONS)


ANSWERED = {
    "/orders/1001": "Order",
    "/orders/1101": "Order",
    "/orders?email=anna.keller@example.com": "OrderList",
    "/stock/MILK-01": "Product",
    "/refunds": "RefundList",
    "/tickets/T-501": "Ticket",
    "/tickets?email=anna.keller@example.com": "TicketList",
    "/knowledge?query=how long does delivery take": "ArticleList",
    "/companies/muster-logistik.example": "Company",
    "/companies/nobody.example": "Company",
    "/customers?email=anna.keller@example.com": "Customer",
    "/crm-records?email=nobody@example.com": "CrmRecord",
    "/mail": "MailList",
}


def test_answers_are_what_the_document_says(api: httpx2.Client) -> None:
    for path, component in ANSWERED.items():
        answer = api.get(path)
        assert answer.status_code == 200, path
        schema = {"$ref": f"#/components/schemas/{component}", "components": document()["components"]}
        jsonschema_rs.Draft202012Validator(schema).validate(answer.json())
