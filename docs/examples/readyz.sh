curl -sS "$FIRSTLINE_URL/readyz" -H "Authorization: Bearer $FIRSTLINE_KEY"
