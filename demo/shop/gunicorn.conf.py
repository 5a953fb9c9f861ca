# Three processes, and each one counts its own metrics: two scrapes in a row may meet different processes, so
# counters seem to jump back and forth. Kept on purpose: the real shop is deployed so.
import json

workers = 3
# The parent loads the code once, which makes the start quicker. Counters are still per process.
preload_app = True
graceful_timeout = 5
accesslog = "-"
access_log_format = json.dumps(
    {
        "remote": "%(h)s",
        "method": "%(m)s",
        "path": "%(U)s",
        "query": "%(q)s",
        "status": "%(s)s",
        "length": "%(B)s",
        "referer": "%(f)s",
        "agent": "%(a)s",
        "request_time": "%(L)s",
    }
)
