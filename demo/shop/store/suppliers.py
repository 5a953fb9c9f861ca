"""How the shop talks to its suppliers.

The adapters never raise: an outage gives an empty product list, and an order id that was made up here. That is
wrong, and it is kept on purpose. The real shop does so, and a bot that trusts "the task succeeded" would tell its
users that an order was forwarded when no supplier has it.
"""

import json
import logging
from urllib.request import Request, urlopen

from django.conf import settings

log = logging.getLogger(__name__)


class CJAdapter:
    prefix = "cj"
    page_size = 50

    def __init__(self, supplier):
        self.supplier = supplier
        credentials = supplier.api_credentials or {}
        self.base_url = credentials.get("base_url", "").rstrip("/")
        self.api_key = credentials.get("api_key", "")

    def call(self, method, path, body=None):
        request = Request(
            self.base_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"},
        )
        with urlopen(request, timeout=settings.SUPPLIER_TIMEOUT_SECONDS) as response:
            return json.load(response)

    def fetch_products(self):
        products, page = [], 1
        try:
            while True:
                found = self.call("GET", f"/products?page={page}&per_page={self.page_size}")["products"]
                products += found
                if len(found) < self.page_size:
                    return products
                page += 1
        except Exception:
            log.warning("products of %s could not be read", self.supplier.name)
            return []

    def place_order(self, order, items):
        key = f"{order.pk}-{self.supplier.pk}"
        body = {
            "idempotency_key": key,
            "order_ref": str(order.pk),
            "shipping_address_id": order.shipping_address_id,
            "items": [
                {"sku": item.product.sku, "quantity": item.quantity, "unit_price": str(item.unit_price)}
                for item in items
            ],
        }
        try:
            return self.call("POST", "/orders", body)["id"]
        except Exception:
            log.warning("order %s: no answer from %s", order.pk, self.supplier.name)
            return f"{self.prefix}_{key}"

    def order_status(self, supplier_order_id):
        try:
            return self.call("GET", f"/orders/{supplier_order_id}")["status"]
        except Exception:
            return None


class AliExpressAdapter(CJAdapter):
    """Was never finished: it knows only a placeholder host, at which nothing listens."""

    prefix = "ali"

    def __init__(self, supplier):
        super().__init__(supplier)
        self.base_url = "http://127.0.0.1:1"


def adapter_for(supplier):
    if supplier.name in ("CJ", "CJ Dropshipping"):
        return CJAdapter(supplier)
    if "aliexpress" in supplier.name.lower():
        return AliExpressAdapter(supplier)
    raise ValueError(f"No adapter registered for supplier '{supplier.name}'")
