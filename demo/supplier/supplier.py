#!/usr/bin/env python3
"""A supplier of our own, with the API that the shop's CJ adapter speaks, and with a switch to make it fail.

GET /products?page=&per_page=     POST /orders     GET /orders/<id>       need the key: Authorization: Bearer KEY
/down/...                         the same, but out of order for ever
GET /_admin/orders                every order, and how often each idempotency key was posted
POST /_admin/orders/<id>          {"status": "shipped"}: what GET /orders/<id> will say
GET, POST /_admin/mode            {"mode": "healthy" | "outage" | "slow", "delay": seconds}
POST /_admin/reset                {"orders": [...]}: forget everything but these
"""

import argparse
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

MODES = ("healthy", "outage", "slow")
KINDS = [
    ("Travel Mug", "Kitchen", 24.00),
    ("Desk Lamp", "Home", 36.50),
    ("Standing Desk", "Home", 416.00),
    ("Phone Stand", "Gadgets", 12.50),
    ("Wall Clock", "Home", 28.00),
    ("Bread Knife", "Kitchen", 15.00),
    ("Wool Blanket", "Home", 49.00),
    ("Tea Pot", "Kitchen", 22.00),
]


def catalogue():
    """75 products, so that a reader must turn one page. The first four are those that the shop sells from the start."""
    for number in range(75):
        title, category, price = KINDS[number % len(KINDS)]
        series = number // len(KINDS) + 1
        yield {
            "sku": f"CJ-{number + 1:04}",
            "title": title if series == 1 else f"{title} No. {series}",
            "category": category,
            "price": price,
            "stock": 500,
        }


class Book:
    """What the supplier remembers; kept in a file, so that a restart loses nothing."""

    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()
        self.mode = {"mode": "healthy", "delay": 0}
        self.forget([])
        if path.exists():
            kept = json.loads(path.read_text())
            self.orders, self.posts, self.refused, self.mode = (
                kept[name] for name in ("orders", "posts", "refused", "mode")
            )

    def forget(self, known):
        now = time.time()
        self.orders = [{"received_at": now, **order} for order in known]
        self.posts = {order["idempotency_key"]: 1 for order in known}
        self.refused = {}

    def content(self):
        return {"orders": self.orders, "posts": self.posts, "refused": self.refused, "mode": self.mode}

    def save(self):
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(self.content()))
        os.replace(new, self.path)

    def find(self, field, value):
        return next((order for order in self.orders if order[field] == value), None)

    def take(self, body):
        """An order that came before, by its key, keeps its id; the posts are counted all the same."""
        with self.lock:
            key = str(body.get("idempotency_key"))
            self.posts[key] = self.posts.get(key, 0) + 1
            order = self.find("idempotency_key", key)
            if order is None:
                last = max((int(known["id"].split("-")[1]) for known in self.orders), default=0)
                order = {
                    "id": f"CJORD-{max(last, 1000) + 1}",
                    "idempotency_key": key,
                    "order_ref": body.get("order_ref"),
                    "shipping_address_id": body.get("shipping_address_id"),
                    "items": body.get("items", []),
                    "status": "processing",
                    "received_at": time.time(),
                }
                self.orders.append(order)
            self.save()
            return order

    def refuse(self, body):
        with self.lock:
            key = str(body.get("idempotency_key"))
            self.refused[key] = self.refused.get(key, 0) + 1
            self.save()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    book = None
    key = None

    def do_GET(self):
        self.serve({})

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            return self.answer(400, {"error": "not JSON"})
        self.serve(body)

    def serve(self, body):
        url = urlsplit(self.path)
        parts = url.path.strip("/").split("/")
        if parts[0] == "_admin":
            return self.answer(*self.admin(parts[1:], body))
        down = parts[0] == "down"
        if down:
            parts = parts[1:]
        mode = self.book.mode
        if down or mode["mode"] == "outage":
            if self.command == "POST":
                self.book.refuse(body)
            return self.answer(503, {"error": "service unavailable"})
        if self.headers.get("Authorization") != f"Bearer {self.key}":
            return self.answer(401, {"error": "wrong key"})
        answer = self.business(parts, parse_qs(url.query), body)
        if mode["mode"] == "slow":
            # After the work is done: whoever gives up waiting does not know that the order was taken.
            time.sleep(mode["delay"])
        self.answer(*answer)

    def business(self, parts, query, body):
        if self.command == "POST" and parts == ["orders"]:
            order = self.book.take(body)
            return 201, {"id": order["id"], "status": order["status"]}
        if self.command == "GET" and parts == ["products"]:
            size = int(query.get("per_page", ["50"])[0])
            start = (int(query.get("page", ["1"])[0]) - 1) * size
            return 200, {"products": list(catalogue())[start : start + size]}
        if self.command == "GET" and len(parts) == 2 and parts[0] == "orders":
            order = self.book.find("id", parts[1])
            if order:
                return 200, {"id": order["id"], "status": order["status"]}
        return 404, {"error": "not found"}

    def admin(self, parts, body):
        book = self.book
        if parts == ["orders"] and self.command == "GET":
            return 200, book.content()
        if parts == ["mode"] and self.command == "GET":
            return 200, book.mode
        with book.lock:
            if parts == ["mode"] and body.get("mode") in MODES:
                book.mode = {"mode": body["mode"], "delay": float(body.get("delay", 30))}
                answer = book.mode
            elif parts == ["reset"]:
                book.forget(body.get("orders", []))
                book.mode = {"mode": "healthy", "delay": 0}
                answer = book.content()
            elif len(parts) == 2 and parts[0] == "orders" and (order := book.find("id", parts[1])):
                order["status"] = body["status"]
                answer = order
            else:
                return 404, {"error": "not found"}
            book.save()
        return 200, answer

    def answer(self, status, body):
        data = json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the caller did not wait for the answer

    def log_message(self, text, *args):
        print(time.strftime("%H:%M:%S"), text % args, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--file", type=Path, required=True, help="where the orders are kept")
    arguments = parser.parse_args()
    Handler.book = Book(arguments.file)
    Handler.key = os.environ["SUPPLIER_API_KEY"]
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer(("127.0.0.1", arguments.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
