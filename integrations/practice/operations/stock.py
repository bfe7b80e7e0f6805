"""Goods on the shelf, and which of them are promised."""

from datetime import datetime

from integrations.practice.models import Order, Product
from integrations.practice.operations.base import Answer, Call, Operation, conflict, not_found, text
from integrations.practice.operations.records import product_record


def get_stock(call: Call) -> Answer:
    sku = str(call.arguments["sku"])
    product = Product.objects.filter(pk=sku).first()
    if product is None:
        raise not_found("product", sku)
    return product_record(product)


def reserve(order: Order, *, now: datetime) -> None:
    """Promise the goods of an order; the caller saves the order. Refuses, changing nothing, when too few are left."""
    products = _locked_products(order)
    for line in order.lines.all():
        product = products[line.product_id]
        if product.available < line.quantity:
            raise conflict("out_of_stock", f"Only {product.available} of {product.sku} are left.")
        product.reserved += line.quantity
        product.save(update_fields=["reserved"])
    order.reserved_at = order.updated_at = now


def release(order: Order) -> None:
    """Give the promised goods back; the caller saves the order."""
    products = _locked_products(order)
    for line in order.lines.all():
        product = products[line.product_id]
        product.reserved = max(product.reserved - line.quantity, 0)
        product.save(update_fields=["reserved"])
    order.reserved_at = None


def _locked_products(order: Order) -> dict[str, Product]:
    # In one order of keys for everybody, so that two orders of the same goods never wait for each other.
    skus = [line.product_id for line in order.lines.all()]
    rows = Product.objects.select_for_update().filter(pk__in=skus).order_by("pk")
    return {row.sku: row for row in rows}


OPERATIONS = (
    Operation(
        id="get_stock",
        method="GET",
        path="/stock/{sku}",
        summary="Read how many of an article are available, when it is restocked and who could send it directly.",
        arguments={"sku": text("Article number.", max_length=40)},
        answers="Product",
        handler=get_stock,
    ),
)
