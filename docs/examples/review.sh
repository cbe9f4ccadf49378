decision=$(curl -sS "$FIRSTLINE_URL/reviews?limit=1" -H "Authorization: Bearer $FIRSTLINE_KEY" \
  | sed 's/.*"decision_id":"\([^"]*\)".*/\1/')
curl -sS "$FIRSTLINE_URL/reviews" -H "Authorization: Bearer $FIRSTLINE_KEY" -H 'Content-Type: application/json' \
  -H "Idempotency-Key: lea-$decision" -d '{
  "decision_id": "'"$decision"'", "reviewer": "lea", "verdicts": [
    {"field": "intent", "verdict": "right"},
    {"field": "action", "verdict": "wrong", "value": "assist", "reason": "a draft would have helped"}]}'
