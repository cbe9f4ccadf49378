curl -sS "$FIRSTLINE_URL/triage_batch" -H "Authorization: Bearer $FIRSTLINE_KEY" -H 'Content-Type: application/json' -d '{
  "tickets": [{"ticket_id": "T-2", "channel": "chat", "body": "Where is my invoice?"},
              {"ticket_id": "T-3", "channel": "web", "body": "The page is slow."}]}'
