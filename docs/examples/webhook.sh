# what Zendesk sends; $FIRSTLINE_ZENDESK_WEBHOOK_SECRET is the signing secret it shows
at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
body='{"id": "evt-1", "type": "zen:event-type:ticket.created", "time": "'"$at"'", "event": {}, "detail": {
  "id": "4711", "subject": "Password", "description": "I forgot it.", "requester_id": "9", "organization_id": "5",
  "created_at": "'"$at"'", "updated_at": "'"$at"'", "via": {"channel": "email"}}}'
signature=$(printf '%s%s' "$at" "$body" | openssl dgst -sha256 -hmac "$FIRSTLINE_ZENDESK_WEBHOOK_SECRET" -binary | base64)
curl -sS "$FIRSTLINE_URL/webhooks/zendesk" -H 'Content-Type: application/json' --data-binary "$body" \
  -H "X-Zendesk-Webhook-Signature-Timestamp: $at" -H "X-Zendesk-Webhook-Signature: $signature"
