"""Background work. Names, arguments, results and retries are what operators and the bot rely on.

Nothing here takes a lock: two messages for one order at the same time reach the supplier twice. The real shop is the
same; whoever sends the messages must not send two.
"""

from datetime import timedelta

from celery import shared_task
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from .metrics import SUPPLIER_SYNC_FAILURES
from .models import (
    Category,
    Inventory,
    Notification,
    Order,
    OrderStatusEvent,
    Payment,
    Product,
    Supplier,
)
from .payments import SUCCESS_WORDS
from .suppliers import adapter_for

# Any exception is retried, also one that a retry cannot cure: waits of up to 1, 2, 4, 8 and 16 seconds.
RETRIED = {
    "autoretry_for": (Exception,),
    "retry_backoff": True,
    "retry_backoff_max": 600,
    "retry_jitter": True,
    "max_retries": 5,
}


@shared_task(**RETRIED)
def sync_supplier_products(supplier_id):
    # Inactive suppliers too, and the time moves also when the supplier gave nothing.
    supplier = Supplier.objects.get(pk=supplier_id)
    products = adapter_for(supplier).fetch_products()
    with transaction.atomic():
        for found in products:
            category, _ = Category.objects.get_or_create(
                slug=slugify(found["category"]), defaults={"name": found["category"]}
            )
            product, _ = Product.objects.update_or_create(
                sku=found["sku"],
                supplier=supplier,
                defaults={
                    "title": found["title"],
                    "slug": slugify(found["title"]),
                    "base_price": supplier.selling_price(found["price"]),
                    "category": category,
                    "active": True,
                },
            )
            Inventory.objects.update_or_create(product=product, defaults={"quantity": found["stock"]})
    supplier.last_synced_at = timezone.now()
    supplier.save(update_fields=["last_synced_at"])
    return len(products)


@shared_task(**RETRIED)
def auto_forward_order_to_supplier(order_id):
    order = Order.objects.get(pk=order_id)
    if order.status != Order.Status.PAID:
        return {"skipped": True}
    by_supplier = {}
    for item in order.items.select_related("product__supplier").order_by("pk"):
        if item.product.supplier:
            by_supplier.setdefault(item.product.supplier, []).append(item)
    ids = dict(order.supplier_order_ids or {})
    for supplier, items in by_supplier.items():
        if supplier.name not in ids:
            ids[supplier.name] = adapter_for(supplier).place_order(order, items)
    # Saved only when every supplier went through: one failure and the ids of the others are lost, and the next try
    # sends to them again.
    order.supplier_order_ids = ids
    order.save(update_fields=["supplier_order_ids"])
    return ids


@shared_task(**RETRIED)
def sync_supplier_order_statuses():
    updated = 0
    open_orders = Order.objects.filter(status__in=[Order.Status.PAID, Order.Status.SHIPPED])
    for order in open_orders.exclude(supplier_order_ids={}).order_by("pk"):
        for name, supplier_order_id in order.supplier_order_ids.items():
            try:
                status = adapter_for(Supplier.objects.get(name=name)).order_status(supplier_order_id)
            except Exception:
                SUPPLIER_SYNC_FAILURES.labels(supplier=name).inc()
                continue
            if status in (Order.Status.SHIPPED, Order.Status.DELIVERED) and status != order.status:
                order.status = status
                order.save(update_fields=["status"])
                OrderStatusEvent.objects.create(
                    order=order, status=status, note=f"Supplier {name}", created_at=timezone.now()
                )
                updated += 1
    return updated


@shared_task(**{**RETRIED, "max_retries": 3})
def reconcile_payments():
    # Writes no event row, so an order that was paid this way has no time of payment.
    updated = []
    for payment in Payment.objects.filter(status=Payment.Status.PENDING).select_related("order").order_by("pk"):
        if payment.raw_response.get("status") in SUCCESS_WORDS:
            payment.status = Payment.Status.SUCCEEDED
            payment.save(update_fields=["status"])
            payment.order.status = Order.Status.PAID
            payment.order.payment_status = Order.PaymentStatus.PAID
            payment.order.save(update_fields=["status", "payment_status"])
            updated.append(payment.pk)
    return {"updated": updated}


@shared_task
def enqueue_order_notification(order_id, status, payload=None):
    order = Order.objects.filter(pk=order_id).first()
    if order is None or order.user_id is None:
        return {"created": False}
    notification = Notification.objects.create(
        user_id=order.user_id, order=order, kind=f"order_{status}", payload=payload or {}
    )
    return {"notification_id": notification.pk}


@shared_task
def send_abandoned_checkout_notifications():
    yesterday = timezone.now() - timedelta(days=1)
    sent = 0
    abandoned = Order.objects.filter(status=Order.Status.PENDING, placed_at__lt=yesterday, user__isnull=False)
    for order in abandoned.exclude(notification__kind="abandoned_checkout"):
        Notification.objects.create(user_id=order.user_id, order=order, kind="abandoned_checkout")
        sent += 1
    return {"notifications": sent}
