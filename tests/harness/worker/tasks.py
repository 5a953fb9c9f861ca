"""A Celery application whose tasks leave a trace, so that effects can be counted."""

import os
import signal
import time

import redis
from celery import Celery

app = Celery("tasks", broker=os.environ["BROKER"], backend=os.environ["RESULTS"])
app.conf.worker_hijack_root_logger = False
effects = redis.Redis.from_url(os.environ["EFFECTS"])


def record(name, *args):
    effects.rpush("effects", " ".join([name, *map(str, args)]))


@app.task(name="echo")
def echo(*args, **kwargs):
    record("echo", *args)
    return {"args": args, "kwargs": kwargs}


class Unwilling(Exception):
    pass


@app.task(name="fail", autoretry_for=(Unwilling,), max_retries=2, default_retry_delay=0.2)
def fail(order):
    record("fail", order)
    raise Unwilling(f"order {order} is unwilling")


@app.task(name="retry_late", autoretry_for=(Unwilling,), max_retries=2, default_retry_delay=3)
def retry_late(order):
    record("retry_late", order)
    raise Unwilling(f"order {order} is unwilling")


@app.task(name="slow")
def slow(order, seconds):
    record("slow", order)
    time.sleep(seconds)
    return "slept"


@app.task(name="die")
def die(order):
    """Takes the whole worker with it, as the kernel does when memory runs out."""
    record("die", order)
    os.killpg(0, signal.SIGKILL)
