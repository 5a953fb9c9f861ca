"""Signs and verifies with the platforms' own helpers. One question per line, as JSON; one answer each."""

import contextlib
import json
import sys

from discord_interactions import verify_key
from nacl.signing import SigningKey
from slack_sdk.signature import Clock, SignatureVerifier


class At(Clock):
    def __init__(self, second):
        self.second = second

    def now(self):
        return self.second


for line in sys.stdin:
    asked = json.loads(line)
    body = asked["body"]
    timestamp = asked["timestamp"]
    if asked["do"] == "slack-sign":
        answer = SignatureVerifier(asked["secret"]).generate_signature(timestamp=timestamp, body=body)
    elif asked["do"] == "slack-verify":
        verifier = SignatureVerifier(asked["secret"], At(int(timestamp)))
        answer = verifier.is_valid(body=body, timestamp=timestamp, signature=asked["signature"])
    elif asked["do"] == "discord-sign":
        key = SigningKey(bytes.fromhex(asked["secret"]))
        answer = key.sign(f"{timestamp}{body}".encode()).signature.hex()
    elif asked["do"] == "discord-verify":
        # It prints what it does not believe.
        with contextlib.redirect_stdout(sys.stderr):
            answer = verify_key(body.encode(), asked["signature"], timestamp, asked["key"])
    print(json.dumps(answer), flush=True)
