-- Tokens, sessions and blocked users (app/db/access_store.py).

-- name: find_token
SELECT owner_id, groups, expires_at FROM api_tokens t
WHERE digest = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
  AND NOT EXISTS (SELECT FROM blocked_people b WHERE b.owner_id = t.owner_id)

-- name: find_session
SELECT s.owner_id, s.groups, s.expires_at
FROM sessions s LEFT JOIN api_tokens t USING (token_id)
WHERE s.digest = $1 AND s.expires_at > $2
  AND (s.token_id IS NULL
    OR t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $2))
  AND NOT EXISTS (SELECT FROM blocked_people b WHERE b.owner_id = s.owner_id)

-- name: insert_session
-- $6: the digest of the token that the session depends on, or null.
INSERT INTO sessions (digest, owner_id, groups, token_id, created_at, expires_at)
VALUES ($1, $2, $3, (SELECT token_id FROM api_tokens WHERE digest = $6), $4, $5)

-- name: purge_sessions
DELETE FROM sessions WHERE expires_at <= $1

-- name: delete_session
DELETE FROM sessions WHERE digest = $1

-- name: find_blocked
SELECT EXISTS (SELECT FROM blocked_people WHERE owner_id = $1)

-- name: insert_token
INSERT INTO api_tokens (token_id, digest, owner_id, groups, label, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)

-- name: list_tokens
SELECT token_id, owner_id, groups, label, created_at, expires_at,
  CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN expires_at <= $1 THEN 'expired'
    ELSE 'valid' END AS state
FROM api_tokens ORDER BY created_at, token_id

-- name: revoke_token
UPDATE api_tokens SET revoked_at = $2 WHERE token_id = $1 AND revoked_at IS NULL
RETURNING token_id

-- name: block_person
INSERT INTO blocked_people (owner_id, blocked_at) VALUES ($1, $2) ON CONFLICT DO NOTHING

-- name: unblock_person
DELETE FROM blocked_people WHERE owner_id = $1 RETURNING owner_id
