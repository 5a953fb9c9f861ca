"""Counters live in the process that counts. What the Celery worker counts is never seen at the web's /metrics."""

from prometheus_client import Counter

PAYMENT_FAILURES = Counter("payment_failures_total", "Payments that a provider reported as failed", ["provider"])
SUPPLIER_SYNC_FAILURES = Counter("supplier_sync_failures_total", "Supplier syncs that failed", ["supplier"])
