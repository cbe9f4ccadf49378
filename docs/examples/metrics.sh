curl -sS "$FIRSTLINE_URL/metrics" -H "Authorization: Bearer $FIRSTLINE_KEY"
