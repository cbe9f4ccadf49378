curl -sS "$FIRSTLINE_URL/incidents?limit=100" -H "Authorization: Bearer $FIRSTLINE_KEY"
