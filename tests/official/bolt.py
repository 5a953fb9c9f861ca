"""A small bot in Slack's own framework, over Socket Mode. It runs against the simulated Slack, which has to do for it what
Slack does."""

import os
import sys

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

client = WebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"] + "/")
app = App(client=client)


def button(text, action):
    return {"type": "button", "text": {"type": "plain_text", "text": text}, "action_id": action, "value": "1042"}


def section(text):
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


@app.command("/forward-order")
def forward(ack, command, respond):
    ack()
    order = command["text"]
    posted = client.chat_postMessage(
        channel=command["channel_id"],
        text=f"Order {order} waits",
        blocks=[
            section(f"Order {order} waits"),
            {"type": "actions", "elements": [button("Approve", "approve"), button("Why?", "why")]},
        ],
        metadata={"event_type": "run", "event_payload": {"run": "r1"}},
    )
    client.chat_postMessage(channel=posted["channel"], thread_ts=posted["ts"], text="Details")
    client.files_upload_v2(
        channel=posted["channel"], thread_ts=posted["ts"], filename="rows.txt", title="Rows", content="1042\tpaid\n"
    )
    found = client.conversations_history(channel=posted["channel"], limit=10, include_all_metadata=True)
    runs = [one["metadata"]["event_payload"]["run"] for one in found["messages"] if "metadata" in one]
    respond(f"Posted as {runs}")


@app.action("approve")
def approve(ack, body):
    ack()
    text = f"Approved by {body['user']['id']}"
    client.chat_update(
        channel=body["channel"]["id"], ts=body["message"]["ts"], text=text, blocks=[section(text)]
    )


@app.action("why")
def why(ack, body):
    ack()
    order = {"type": "external_select", "action_id": "order", "min_query_length": 0}
    reason = {"type": "plain_text_input", "action_id": "reason"}
    client.views_open(
        trigger_id=body["trigger_id"],
        view={
            "type": "modal",
            "callback_id": "why",
            "title": {"type": "plain_text", "text": "Why?"},
            "submit": {"type": "plain_text", "text": "Say so"},
            "blocks": [
                {"type": "input", "block_id": "order", "label": {"type": "plain_text", "text": "Order"}, "element": order},
                {"type": "input", "block_id": "reason", "label": {"type": "plain_text", "text": "Why"}, "element": reason},
            ],
        },
    )


@app.options("order")
def orders(ack, payload):
    known = ["1042", "1043", "2001"]
    ack(
        options=[
            {"text": {"type": "plain_text", "text": f"order {one}"}, "value": one}
            for one in known
            if one.startswith(payload["value"])
        ]
    )


@app.view("why")
def told(ack, body, view):
    reason = view["state"]["values"]["reason"]["reason"]["value"]
    if reason == "because":
        return ack(response_action="errors", errors={"reason": "Say more than that."})
    ack()
    order = view["state"]["values"]["order"]["order"]["selected_option"]["value"]
    client.chat_postEphemeral(channel="C0OPS", user=body["user"]["id"], text=f"{order}: {reason}")


@app.event("app_mention")
def mentioned(event, say):
    say(text=f"You said: {event['text']}", thread_ts=event.get("thread_ts", event["ts"]))


handler = SocketModeHandler(app, os.environ["SLACK_APP_TOKEN"])
handler.connect()
print("ready", flush=True)
# Ends with whoever started it.
sys.stdin.read()
handler.close()
