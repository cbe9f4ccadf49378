curl -sS "$FIRSTLINE_URL/triage" -H "Authorization: Bearer $FIRSTLINE_KEY" -H 'Content-Type: application/json' -d '{
  "ticket_id": "T-1", "channel": "email", "subject": "Locked out", "body": "I forgot my password.",
  "contact_handle": "email:ada@customer.example",
  "opening": {"intent": "password_reset", "queue": "access", "priority": "normal", "agent_id": "agent-7"}}'
