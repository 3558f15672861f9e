-- Queries of ConversationStore (app/db/conversation_store.py).

-- name: list_recent
-- At most $4 conversations of owner $1 after the cursor ($2 updated_at, $3 session_id; null: start).
SELECT c.session_id, c.title, c.filters, c.model, c.created_at, c.updated_at, r.run_id AS active_run_id
FROM conversations c
LEFT JOIN runs r
  ON r.owner_id = c.owner_id AND r.session_id = c.session_id AND r.status = 'running'
WHERE c.owner_id = $1 AND c.deleted_at IS NULL
  AND (c.updated_at, c.session_id)
    < (coalesce($2::timestamptz, 'infinity'), coalesce($3::text, ''))
ORDER BY c.updated_at DESC, c.session_id DESC
LIMIT $4

-- name: search_conversations
-- Like list_recent, limited to conversations with every prefix of $5 in one message, or every pattern
-- of $6 in the title. match_text is the newest such message.
WITH found AS MATERIALIZED (
  SELECT owner_id, session_id, max(ordinal) AS ordinal
  FROM messages
  WHERE numnode(to_tsquery('simple', $5)) > 0
    AND message_terms(owner_id, content)
      @@ (to_tsquery('simple', $5) && (''' ' || md5($1) || '''')::tsquery)
  GROUP BY owner_id, session_id
)
SELECT c.session_id, c.title, c.filters, c.model, c.created_at, c.updated_at, r.run_id AS active_run_id,
  m.message_id AS match_id, m.role AS match_role, m.content AS match_text
FROM conversations c
LEFT JOIN found USING (owner_id, session_id)
LEFT JOIN messages m
  ON m.owner_id = $1 AND m.session_id = c.session_id AND m.ordinal = found.ordinal
LEFT JOIN runs r
  ON r.owner_id = c.owner_id AND r.session_id = c.session_id AND r.status = 'running'
WHERE c.owner_id = $1 AND c.deleted_at IS NULL
  AND (found.session_id IS NOT NULL OR c.title ILIKE ALL ($6::text[]))
  AND (c.updated_at, c.session_id)
    < (coalesce($2::timestamptz, 'infinity'), coalesce($3::text, ''))
ORDER BY c.updated_at DESC, c.session_id DESC
LIMIT $4

-- name: read_conversation
SELECT c.session_id, c.title, c.filters, c.model, c.created_at, c.updated_at, r.run_id AS active_run_id
FROM conversations c
LEFT JOIN runs r
  ON r.owner_id = c.owner_id AND r.session_id = c.session_id AND r.status = 'running'
WHERE c.owner_id = $1 AND c.session_id = $2 AND c.deleted_at IS NULL

-- name: list_messages
SELECT message_id, role, content, status, finish_reason, citations, evidence, usage, timings,
  error_code, error_message, run_id, question_id, model, filters, created_at, ended_at, feedback,
  ordinal
FROM messages
WHERE owner_id = $1 AND session_id = $2 AND ordinal > $3
ORDER BY ordinal
LIMIT $4

-- name: list_latest_messages
SELECT message_id, role, content, status, finish_reason, citations, evidence, usage, timings,
  error_code, error_message, run_id, question_id, model, filters, created_at, ended_at, feedback,
  ordinal
FROM messages
WHERE owner_id = $1 AND session_id = $2 AND ordinal < $3
ORDER BY ordinal DESC
LIMIT $4

-- name: rename_conversation
UPDATE conversations SET title = $3
WHERE owner_id = $1 AND session_id = $2 AND deleted_at IS NULL

-- name: set_filters
UPDATE conversations SET filters = $3
WHERE owner_id = $1 AND session_id = $2 AND deleted_at IS NULL

-- name: set_model
UPDATE conversations SET model = $3
WHERE owner_id = $1 AND session_id = $2 AND deleted_at IS NULL

-- name: delete_conversation
UPDATE conversations SET deleted_at = $3
WHERE owner_id = $1 AND session_id = $2 AND deleted_at IS NULL

-- name: restore_conversation
UPDATE conversations SET deleted_at = NULL
WHERE owner_id = $1 AND session_id = $2 AND deleted_at >= $3

-- name: purge_conversations
WITH purged AS (
  DELETE FROM conversations c
  WHERE c.deleted_at < $1
    AND NOT EXISTS (
      SELECT FROM runs r
      WHERE r.owner_id = c.owner_id AND r.session_id = c.session_id AND r.status = 'running'
    )
  RETURNING c.owner_id, c.session_id
), events AS (
  DELETE FROM run_events e USING runs r, purged
  WHERE r.owner_id = purged.owner_id AND r.session_id = purged.session_id AND e.run_id = r.run_id
)
SELECT count(*) FROM purged

-- name: set_feedback
UPDATE messages m SET feedback = $4
FROM conversations c
WHERE m.owner_id = $1 AND m.session_id = $2 AND m.message_id = $3 AND m.role = 'assistant'
  AND c.owner_id = $1 AND c.session_id = $2 AND c.deleted_at IS NULL

-- name: read_message
SELECT m.message_id, m.role, m.content, m.status, m.finish_reason, m.citations, m.evidence,
  m.usage, m.timings, m.error_code, m.error_message, m.run_id, m.question_id, m.model, m.filters,
  m.created_at, m.ended_at, m.feedback, m.ordinal
FROM messages m JOIN conversations c USING (owner_id, session_id)
WHERE m.owner_id = $1 AND m.session_id = $2 AND m.message_id = $3 AND c.deleted_at IS NULL
