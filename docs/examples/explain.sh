decision=$(curl -sS "$FIRSTLINE_URL/tickets/T-1/context" -H "Authorization: Bearer $FIRSTLINE_KEY" \
  | sed 's/.*"decision_id":"\([^"]*\)".*/\1/')
curl -sS "$FIRSTLINE_URL/decisions/$decision/explain" -H "Authorization: Bearer $FIRSTLINE_KEY"
