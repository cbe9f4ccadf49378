curl -sS "$FIRSTLINE_URL/tickets/T-1/context" -H "Authorization: Bearer $FIRSTLINE_KEY"
