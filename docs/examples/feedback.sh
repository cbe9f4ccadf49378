decision=$(curl -sS "$FIRSTLINE_URL/tickets/T-1/context" -H "Authorization: Bearer $FIRSTLINE_KEY" \
  | sed 's/.*"decision_id":"\([^"]*\)".*/\1/')
curl -sS "$FIRSTLINE_URL/feedback" -H "Authorization: Bearer $FIRSTLINE_KEY" -H 'Content-Type: application/json' \
  -H "Idempotency-Key: 7f3c" -d '{
  "decision_id": "'"$decision"'", "verdict": "override", "field": "intent", "value": "account_locked",
  "reason": "the account is locked, not the password lost", "agent_id": "ada"}'
