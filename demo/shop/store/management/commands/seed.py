"""Fills the shop with users, suppliers and orders whose ids are the same each time.

The ids are promises: documentation, demo and tests name them. `--reset` puts everything back.
"""

import json
import os
from datetime import timedelta
from decimal import Decimal
from urllib.request import Request, urlopen

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand
from django.core.management.color import no_style
from django.db import connection, transaction
from django.utils import timezone
from django.utils.text import slugify

from store.models import (
    Address,
    Category,
    Inventory,
    Order,
    OrderItem,
    OrderStatusEvent,
    Payment,
    Product,
    Supplier,
    User,
)

# id: (name, active). The names decide which adapter a supplier has, see store/suppliers.py.
SUPPLIERS = {
    1: ("CJ", True),
    2: ("CJ Dropshipping", True),  # its service is down, always
    3: ("AliExpress Direct", True),
    4: ("AliExpress Outlet", False),
    5: ("Handmade Nepal", True),  # has no adapter
}

# id: (sku, title, category, price in dollars, supplier id)
PRODUCTS = {
    1: ("CJ-0001", "Travel Mug", "Kitchen", "24.00", 1),
    2: ("CJ-0002", "Desk Lamp", "Home", "36.50", 1),
    3: ("CJ-0003", "Standing Desk", "Home", "416.00", 1),
    4: ("CJ-0004", "Phone Stand", "Gadgets", "12.50", 1),
    5: ("CJD-0001", "Rain Jacket", "Clothing", "59.00", 2),
    6: ("ALI-0001", "Cable Set", "Gadgets", "9.90", 3),
    7: ("ALO-0001", "Key Ring", "Gadgets", "3.50", 4),
    8: ("HN-0001", "Felt Slippers", "Clothing", "32.00", 5),
    9: ("OWN-0001", "Gift Card", "Gifts", "50.00", None),
}


# id: (status, payment status, [(product id, quantity)], {supplier: recorded id}, payment provider)
ORDERS = {
    1042: ("paid", "paid", [(1, 2), (2, 1)], {}, "stripe"),
    1043: ("paid", "paid", [(1, 1), (2, 1)], {}, "khalti"),
    1044: ("paid", "paid", [(2, 2)], {}, "esewa"),
    1045: ("paid", "paid", [(1, 1)], {"CJ": "CJORD-501"}, "stripe"),
    1046: ("paid", "paid", [(1, 1), (8, 1)], {}, "stripe"),
    1047: ("paid", "paid", [(9, 1)], {}, "khalti"),
    1048: ("paid", "paid", [(4, 3)], {"CJ": "cj_1048-1"}, "stripe"),
    1049: ("processing", "pending", [(1, 1)], {}, "cod"),
    1050: ("shipped", "paid", [(2, 1)], {"CJ": "CJORD-502"}, "stripe"),
    1051: ("refunded", "refunded", [(4, 2)], {"CJ": "CJORD-504"}, "esewa"),
    # Dear enough for a second person: the console offers it as an example (src/http/console/channel.rs).
    1052: ("paid", "paid", [(3, 3)], {}, "stripe"),
    1053: ("paid", "paid", [(5, 1)], {}, "khalti"),
    1054: ("paid", "paid", [(8, 2)], {}, "stripe"),
    # Went to the supplier that is down now before it was down; the other half is still waiting.
    1055: ("paid", "paid", [(5, 1), (1, 1)], {"CJ Dropshipping": "CJORD-503"}, "stripe"),
    1056: ("pending", "pending", [(1, 1)], {}, "esewa"),
    1057: ("paid", "paid", [(4, 1), (6, 1)], {"CJ": "CJORD-505"}, "stripe"),
    1058: ("paid", "paid", [(6, 2)], {}, "khalti"),
    **{order: ("paid", "paid", [(4, 2)], {}, "stripe") for order in range(1060, 1070)},
}
BULK = range(2001, 2321)

PAYMENT_STATUS = {"paid": "succeeded", "refunded": "refunded", "pending": "pending"}
RUPEES_FOR_A_DOLLAR = Decimal("133.5")


class Command(BaseCommand):
    help = "Fill the shop with its demo data, unless it is there"

    def add_arguments(self, parser):
        parser.add_argument("--reset", action="store_true", help="remove everything first")

    def handle(self, *args, reset, **options):
        if User.objects.exists() and not reset:
            self.stdout.write("already seeded")
            return
        with transaction.atomic():
            self.empty()
            self.people()
            self.catalogue()
            self.orders()
            self.reset_sequences()
            self.grant_reading()
            self.grant_writing()
        self.tell_supplier()
        self.stdout.write(f"seeded {Order.objects.count()} orders")

    def empty(self):
        tables = ", ".join(model._meta.db_table for model in apps.get_app_config("store").get_models())
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")

    def people(self):
        User.objects.create_superuser(
            os.environ["SHOP_API_USER"], os.environ["SHOP_API_PASSWORD"], id=1, first_name="Ada", last_name="Admin"
        )
        User.objects.create_user(
            os.environ["SHOP_STAFF_USER"],
            os.environ["SHOP_STAFF_PASSWORD"],
            id=2,
            first_name="Sam",
            last_name="Staff",
            role=User.Role.STAFF,
            is_staff=True,
        )
        for pk, name in {3: "Mira", 4: "Jonas", 5: "Priya", 6: "Tom", 7: "Elif"}.items():
            # Customers get no password: nobody logs in as one of them.
            User.objects.create_user(f"{name.lower()}@customers.example", id=pk, first_name=name)
            Address.objects.create(
                id=pk, user_id=pk, address_line1=f"{pk} Station Road", city="York", postal_code="YO1 7HH", country="GB"
            )

    def catalogue(self):
        base_urls = {1: settings.SUPPLIER_URL, 2: settings.SUPPLIER_URL + "/down"}
        for pk, (name, active) in SUPPLIERS.items():
            key = {"base_url": base_urls.get(pk, ""), "api_key": settings.SUPPLIER_API_KEY}
            email = f"{slugify(name)}@suppliers.example"
            Supplier.objects.create(id=pk, name=name, active=active, contact_email=email, api_credentials=key)
        for pk, (sku, title, category, price, supplier) in PRODUCTS.items():
            category, _ = Category.objects.get_or_create(name=category, slug=slugify(category))
            Product.objects.create(
                id=pk,
                sku=sku,
                title=title,
                slug=slugify(title),
                category=category,
                base_price=price,
                supplier_id=supplier,
            )
            Inventory.objects.create(product_id=pk, quantity=500, safety_stock=10)

    def orders(self):
        now = timezone.now()
        orders = dict(ORDERS)
        for number in BULK:
            orders[number] = ("paid", "paid", [(1 + number % 2, 1 + number % 3)], {}, "stripe")
        rows, items, events, payments = [], [], [], []
        for number, (status, payment_status, lines, recorded, provider) in orders.items():
            total = sum(Decimal(PRODUCTS[product][3]) * quantity for product, quantity in lines)
            customer = 3 + number % 5
            # The bulk is ten days old at most, the well-known orders are of today.
            age = timedelta(minutes=45 * (2321 - number)) if number in BULK else timedelta(minutes=10 * (1070 - number))
            placed = now - age
            rows.append(
                Order(
                    id=number,
                    user_id=customer,
                    status=status,
                    payment_status=payment_status,
                    total_amount=total,
                    shipping_address_id=customer,
                    placed_at=placed,
                    supplier_order_ids=recorded,
                )
            )
            for product, quantity in lines:
                price = PRODUCTS[product][3]
                items.append(OrderItem(order_id=number, product_id=product, quantity=quantity, unit_price=price))
            payments.append(
                Payment(
                    id=number,
                    order_id=number,
                    provider=provider,
                    provider_payment_id=f"{provider}_{number}",
                    amount=total * RUPEES_FOR_A_DOLLAR if provider == "esewa" else total,
                    status=PAYMENT_STATUS[payment_status],
                    created_at=placed,
                )
            )
            history = [("pending", "Checkout")]
            if payment_status != "pending":
                history.append(("paid", "Gateway webhook"))
            if status not in ("pending", "paid"):
                history.append((status, "Updated by admin"))
            for minute, (reached, note) in enumerate(history):
                at = placed + timedelta(minutes=minute)
                events.append(OrderStatusEvent(order_id=number, status=reached, note=note, created_at=at))
        Order.objects.bulk_create(rows)
        OrderItem.objects.bulk_create(items)
        OrderStatusEvent.objects.bulk_create(events)
        Payment.objects.bulk_create(payments)

    def reset_sequences(self):
        models = list(apps.get_app_config("store").get_models())
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), models):
                cursor.execute(statement)

    def grant_reading(self):
        """The bot's role may read every column that holds no secret, and write none."""
        role = os.environ["SHOP_READER_ROLE"]
        secret = {"api_credentials", "password"}
        with connection.cursor() as cursor:
            cursor.execute(f"GRANT SELECT ON django_migrations TO {role}")
            for model in apps.get_app_config("store").get_models():
                columns = [field.column for field in model._meta.concrete_fields]
                table = model._meta.db_table
                if secret.isdisjoint(columns):
                    cursor.execute(f"GRANT SELECT ON {table} TO {role}")
                else:
                    readable = ", ".join(column for column in columns if column not in secret)
                    cursor.execute(f"GRANT SELECT ({readable}) ON {table} TO {role}")

    def grant_writing(self):
        """A second role of the bot's may clear a supplier's id and take a supplier out of use, and nothing else."""
        role = os.environ["SHOP_WRITER_ROLE"]
        with connection.cursor() as cursor:
            cursor.execute(
                f"GRANT SELECT (id, status, supplier_order_ids), UPDATE (supplier_order_ids) ON store_order TO {role}"
            )
            cursor.execute(f"GRANT SELECT (id, active), UPDATE (active) ON store_supplier TO {role}")

    def tell_supplier(self):
        """The supplier forgets what it got, but for the orders that the shop already sent."""
        known = []
        for number, (_, _, lines, recorded, _) in ORDERS.items():
            for supplier, (name, _) in SUPPLIERS.items():
                if not recorded.get(name, "").startswith("CJORD-"):
                    continue
                known.append(
                    {
                        "id": recorded[name],
                        "idempotency_key": f"{number}-{supplier}",
                        "order_ref": str(number),
                        "shipping_address_id": 3 + number % 5,
                        "items": [
                            {"sku": PRODUCTS[product][0], "quantity": quantity, "unit_price": PRODUCTS[product][3]}
                            for product, quantity in lines
                            if PRODUCTS[product][4] == supplier
                        ],
                        "status": "shipped" if ORDERS[number][0] == "shipped" else "processing",
                    }
                )
        body = json.dumps({"orders": known}).encode()
        urlopen(Request(settings.SUPPLIER_URL + "/_admin/reset", data=body, method="POST"), timeout=5).close()
