import random
import re

from agents.providers.names import NameMap

LEGAL = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def test_a_dotted_name_goes_out_with_an_underscore_and_comes_back() -> None:
    names = NameMap(["shop.refund_order"])
    assert names.to_wire("shop.refund_order") == "shop_refund_order"
    assert names.to_ours("shop_refund_order") == "shop.refund_order"


def test_names_that_would_collide_stay_apart_and_legal_ones_keep_themselves() -> None:
    ours = ["shop.refund_order", "shop_refund_order", "shop refund_order", "shop:refund.order"]
    names = NameMap(ours)
    wires = [names.to_wire(name) for name in ours]
    assert names.to_wire("shop_refund_order") == "shop_refund_order"
    assert len(set(wires)) == len(ours)
    assert [names.to_ours(wire) for wire in wires] == ours


def test_long_foreign_and_empty_looking_names_become_legal_and_unique() -> None:
    ours = ["a" * 80, "a" * 81, "b." + "a" * 62, "überweisung.ausführen", "....", ".", "日本"]
    names = NameMap(ours)
    wires = {names.to_wire(name) for name in ours}
    assert len(wires) == len(ours)
    assert all(LEGAL.fullmatch(wire) for wire in wires)


def test_the_map_does_not_depend_on_the_order_of_the_names() -> None:
    ours = ["x.y", "x_y", "x:y", "x y", "x" * 90, "x" * 91]
    shuffled = random.Random(1).sample(ours, len(ours))
    assert [NameMap(ours).to_wire(name) for name in ours] == [NameMap(shuffled).to_wire(name) for name in ours]


def test_a_name_we_did_not_offer_stays_as_the_model_wrote_it() -> None:
    assert NameMap(["shop.get_order"]).to_ours("shop_burn_down") == "shop_burn_down"
