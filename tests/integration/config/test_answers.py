"""How a view answers: page or fragment, and refusals of the domain in HTTP."""

import pytest
from django.test import Client

from tests import desk as company

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def client_of_operator() -> Client:
    client = Client()
    client.force_login(company.open_desk()["operator"])
    return client


def test_a_fragment_is_part_of_its_page_and_caches_keep_them_apart(client_of_operator: Client) -> None:
    page, part = client_of_operator.get("/runs/"), client_of_operator.get("/runs/", headers=HTMX)
    assert "<html" in page.content.decode() and "<html" not in part.content.decode()
    assert "HX-Request" in page["Vary"] and "HX-Request" in part["Vary"]


def test_a_restored_page_is_whole_again(client_of_operator: Client) -> None:
    answer = client_of_operator.get("/runs/", headers={**HTMX, "HX-History-Restore-Request": "true"})
    assert "<html" in answer.content.decode()


def test_a_refusal_is_a_page_for_people_and_a_panel_for_htmx(client_of_operator: Client) -> None:
    page = client_of_operator.post("/profile/theme/", {"theme": "pink"})
    part = client_of_operator.post("/profile/theme/", {"theme": "pink"}, headers=HTMX)
    for answer in (page, part):
        assert answer.status_code == 422 and "Choose system, light or dark." in answer.content.decode()
    assert "<html" in page.content.decode() and "<html" not in part.content.decode()


def test_a_missing_page_says_so_to_everybody(client_of_operator: Client) -> None:
    answer = client_of_operator.get("/nowhere/")
    assert answer.status_code == 404 and "Nothing is here" in answer.content.decode()
