"""What the shop sells, to whom, and what became of it. Money is in minor units beside its currency."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from integrations.practice.states import OrderStatus, PaymentStatus, RefundStatus, ServiceLevel


class Customer(models.Model):
    number = models.CharField(max_length=40, primary_key=True)
    name = models.CharField(max_length=200)
    email = models.CharField(max_length=254, unique=True)
    company = models.CharField(max_length=200, blank=True)
    country = models.CharField(max_length=2, blank=True)
    vip = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "practice_customer"

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


class Product(models.Model):
    """`on_hand` counts what lies in the warehouse, `reserved` what of it is promised to an order."""

    sku = models.CharField(max_length=40, primary_key=True)
    name = models.CharField(max_length=200)
    price_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3, default="EUR")
    on_hand = models.PositiveIntegerField(default=0)
    reserved = models.PositiveIntegerField(default=0)
    restock_days = models.PositiveSmallIntegerField(null=True, blank=True)
    dropship_supplier = models.CharField(max_length=120, blank=True)

    class Meta:
        db_table = "practice_product"
        constraints = [
            models.CheckConstraint(condition=Q(reserved__lte=F("on_hand")), name="practice_reserved_within_stock"),
            models.CheckConstraint(condition=Q(price_minor__gte=0), name="practice_price_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.sku} {self.name}"

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


class Order(models.Model):
    number = models.CharField(max_length=40, primary_key=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="orders")
    status = models.CharField(max_length=20, choices=OrderStatus.choices(), default=OrderStatus.NEW)
    payment_status = models.CharField(max_length=20, choices=PaymentStatus.choices(), default=PaymentStatus.PAID)
    service_level = models.CharField(max_length=20, choices=ServiceLevel.choices(), default=ServiceLevel.STANDARD)
    currency = models.CharField(max_length=3, default="EUR")
    total_minor = models.BigIntegerField()
    address = models.JSONField(default=dict, blank=True)
    note = models.TextField(blank=True)
    placed_at = models.DateTimeField()
    ship_by = models.DateTimeField()
    reserved_at = models.DateTimeField(null=True, blank=True)
    shipped_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "practice_order"
        constraints = [models.CheckConstraint(condition=Q(total_minor__gte=0), name="practice_total_not_negative")]
        indexes = [models.Index(fields=["-placed_at"], name="practice_order_newest")]

    def __str__(self) -> str:
        return f"order {self.number}"


class OrderLine(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField()
    price_minor = models.BigIntegerField()

    class Meta:
        db_table = "practice_order_line"
        constraints = [models.CheckConstraint(condition=Q(quantity__gte=1), name="practice_line_has_quantity")]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.product_id}"


class Refund(models.Model):
    """Money that went back. A cancelled refund stays as a row and counts no more."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    note = models.TextField(blank=True)
    status = models.CharField(max_length=20, choices=RefundStatus.choices(), default=RefundStatus.PAID)
    idempotency_key = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "practice_refund"
        constraints = [models.CheckConstraint(condition=Q(amount_minor__gt=0), name="practice_refund_positive")]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"R-{self.pk}"


class PickList(models.Model):
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="pick_list")
    lines = models.JSONField(default=list)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "practice_pick_list"

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"PL-{self.pk}"


class Shipment(models.Model):
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="shipment")
    carrier = models.CharField(max_length=80)
    service = models.CharField(max_length=20, choices=ServiceLevel.choices())
    tracking = models.CharField(max_length=60, unique=True)
    created_at = models.DateTimeField()
    expected_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "practice_shipment"

    def __str__(self) -> str:
        return self.tracking


class Invoice(models.Model):
    """A supplier's invoice, and the purchase order that it names."""

    number = models.CharField(max_length=40, primary_key=True)
    supplier = models.CharField(max_length=120)
    purchase_order = models.CharField(max_length=40, blank=True)
    currency = models.CharField(max_length=3, default="EUR")
    total_minor = models.BigIntegerField()
    lines = models.JSONField(default=list)
    received_at = models.DateTimeField()
    status = models.CharField(max_length=20, default="open")

    class Meta:
        db_table = "practice_invoice"

    def __str__(self) -> str:
        return self.number
