import json
import logging


class JsonFormatter(logging.Formatter):
    """One JSON object on a line."""

    def format(self, record):
        line = {
            "asctime": self.formatTime(record),
            "levelname": record.levelname,
            "name": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exc_info"] = self.formatException(record.exc_info)
        if hasattr(record, "status_code"):
            line["status_code"] = record.status_code
        if hasattr(record, "request"):
            line["request"] = repr(record.request)
        return json.dumps(line)
