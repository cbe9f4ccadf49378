curl -sS "$FIRSTLINE_URL/queue?limit=100" -H "Authorization: Bearer $FIRSTLINE_KEY"
