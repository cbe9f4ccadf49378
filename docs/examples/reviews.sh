curl -sS "$FIRSTLINE_URL/reviews?status=open&limit=100" -H "Authorization: Bearer $FIRSTLINE_KEY"
