curl -sS "$FIRSTLINE_URL/healthz" -H "Authorization: Bearer $FIRSTLINE_KEY"
