curl -sS "$FIRSTLINE_URL/events" -H "Authorization: Bearer $FIRSTLINE_KEY" -H 'Content-Type: application/json' \
  -H "Idempotency-Key: crm-2026-06-01-17" -d '{
  "accounts": [{"account_id": "A-1", "plan": "gold"}],
  "usage": [{"account_id": "A-1", "day": "2026-06-01T00:00:00Z", "feature": "login", "events": 12, "errors": 1}]}'
