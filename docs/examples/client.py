"""Every call of the client, from the project's root: `python -m docs.examples.client`."""

import os

from serving.client import FirstlineClient

client = FirstlineClient(os.environ["FIRSTLINE_URL"], key=os.environ.get("FIRSTLINE_KEY"))

opening = {"queue": "access", "priority": "normal", "agent_id": "ada"}  # what was filed beside the text
decision = client.triage(
    {"ticket_id": "P-1", "channel": "email", "body": "I forgot my password.", "opening": opening}
)
print(decision.action, decision.route.queue, decision.degraded)

for result in client.triage_batch([{"ticket_id": "P-2", "channel": "chat", "body": "Where is my invoice?"}]):
    print(result["ticket_id"], result["status"])

print(client.events({"accounts": [{"account_id": "A-1", "plan": "gold"}]}, key="crm-change-1"))
print(client.outcome("P-1", "csat", "5"))
print(client.feedback(decision.decision_id, "approve", agent_id="ada"))
print(client.replay(decision.decision_id)["outcome"])
print([model["said"] for model in client.explain(decision.decision_id)["models"]])
print(len(client.reviews()), len(client.incidents()))
print(len(client.queue(limit=10)), client.context("P-1")["decision_id"])
print(client.decision(decision.decision_id) == decision, client.is_ready())
