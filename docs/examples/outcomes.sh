curl -sS "$FIRSTLINE_URL/outcomes" -H "Authorization: Bearer $FIRSTLINE_KEY" -H 'Content-Type: application/json' -d '{
  "ticket_id": "T-1", "kind": "csat", "value": "5"}'
