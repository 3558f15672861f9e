-- Queries of PostgresRunLog (app/db/run_log.py).

-- name: start_run
-- The locks, checks and writes for one question; see schema.sql.
SELECT repeated, taken, active_run_id, running, deleted, known, stop_requested
FROM start_run($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
  $19, $20, $21, $22, $23)

-- name: lock_run_id
SELECT pg_advisory_xact_lock(4, hashtext($1::text))

-- name: find_repeated
SELECT run_id, owner_id, session_id, message_id, question_id, route, status, epoch, process_id, head,
  reserved, model, filters, on_disconnect, created_at, request_hash, stop_requested_at, terminal_seq,
  terminal_type, terminal_data, receipt
FROM runs WHERE owner_id = $1 AND route = $2 AND idempotency_key = $3

-- name: append_events
-- Runs $1 (epochs $2) get head $3 and reservation $4; their events are $5 to $9. One statement, and
-- so one transaction, that also sends the notices $10. An attempt whose response was lost is repeated
-- from the same first event on, perhaps with more events: the longer row wins.
WITH owned AS (
  UPDATE runs r
  SET head = greatest(r.head, b.head), reserved = greatest(r.reserved, b.reserved)
  FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[])
    AS b (run_id, epoch, head, reserved)
  WHERE r.run_id = b.run_id AND r.epoch = b.epoch AND r.status = 'running'
  RETURNING r.run_id
), written AS (
  INSERT INTO run_events AS stored (run_id, seq, last_seq, data, text)
  SELECT e.run_id, e.seq, e.last_seq, e.data, e.text
  FROM unnest($5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::text[])
    AS e (run_id, seq, last_seq, data, text)
  JOIN owned USING (run_id)
  ON CONFLICT (run_id, seq) DO UPDATE
    SET last_seq = excluded.last_seq, data = excluded.data, text = excluded.text
    WHERE excluded.last_seq > stored.last_seq
)
SELECT
  ARRAY(SELECT run_id FROM owned) AS written,
  (SELECT count(pg_notify('citestream_runs', p)) FROM unnest($10::text[]) AS p) AS notices

-- name: finish_run
-- $22: replace the ending of a run that was closed as dead; see replace_ending.
WITH ended AS (
  UPDATE runs
  SET status = $3, head = $4, reserved = greatest(reserved, $4), terminal_seq = $4,
      terminal_type = $5, terminal_data = $6, receipt = $7, ended_at = $8,
      epoch = epoch + $22::boolean::integer
  WHERE run_id = $1 AND epoch = $2 AND (status = 'running' OR $22)
  RETURNING run_id, owner_id, session_id, message_id
), written AS (
  INSERT INTO run_events AS stored (run_id, seq, last_seq, data, text)
  SELECT ended.run_id, e.seq, e.last_seq, e.data, e.text
  FROM ended, unnest($9::bigint[], $10::bigint[], $11::text[], $12::text[])
    AS e (seq, last_seq, data, text)
  ON CONFLICT (run_id, seq) DO UPDATE
    SET last_seq = excluded.last_seq, data = excluded.data, text = excluded.text
    WHERE excluded.last_seq > stored.last_seq
), answered AS (
  UPDATE messages m
  SET status = $13, content = $14, finish_reason = $15, citations = $16, evidence = $17,
      usage = $18, timings = $19, error_code = $20, error_message = $21, ended_at = $8
  FROM ended WHERE m.message_id = ended.message_id
), touched AS (
  UPDATE conversations c SET updated_at = greatest(c.updated_at, $8)
  FROM ended WHERE c.owner_id = ended.owner_id AND c.session_id = ended.session_id
)
SELECT pg_notify('citestream_runs', 'ended:' || run_id) FROM ended

-- name: lock_conversation
-- Same lock as in start_run: no continuation of an answer of this conversation starts meanwhile.
SELECT pg_advisory_xact_lock(3, hashtext(owner_id || ' ' || session_id)) FROM runs WHERE run_id = $1

-- name: lock_taken_run
-- A run with owner epoch $2 that another process has taken over since.
SELECT
  r.epoch, r.reserved, r.purged, r.terminal_seq, r.terminal_type, r.terminal_data,
  EXISTS (
    SELECT FROM runs later
    WHERE later.owner_id = r.owner_id AND later.session_id = r.session_id
      AND later.continues = r.message_id
  ) AS continued
FROM runs r
WHERE r.run_id = $1 AND r.epoch > $2
FOR UPDATE OF r

-- name: drop_ending
-- Deletes the events of the closing process: from its first number $2 on.
DELETE FROM run_events WHERE run_id = $1 AND seq >= $2

-- name: find_ending
-- Whether this ending is already stored: the response to the first attempt was lost.
SELECT FROM runs WHERE run_id = $1 AND epoch = $2 AND status <> 'running' AND terminal_data = $3

-- name: read_run
SELECT run_id, owner_id, session_id, message_id, question_id, route, status, epoch, process_id, head,
  reserved, model, filters, on_disconnect, created_at, request_hash, stop_requested_at, terminal_seq,
  terminal_type, terminal_data, receipt
FROM runs WHERE run_id = $1 AND owner_id = $2

-- name: read_entries
-- Rows with the events after $2: at most $3 events, plus others in the same rows. The row with event
-- $2 + 1 is the last one that starts at or before it; after a gap it is the next row.
WITH first AS (
  SELECT seq FROM run_events
  WHERE run_id = $1 AND last_seq > $2 AND seq >= coalesce(
    (SELECT seq FROM run_events WHERE run_id = $1 AND seq <= $2 + 1 ORDER BY seq DESC LIMIT 1), 0)
  ORDER BY seq
  LIMIT 1
)
SELECT e.seq, e.data
FROM run_events e, first
WHERE e.run_id = $1 AND e.seq >= first.seq AND e.seq < greatest($2 + 1, first.seq) + $3::bigint
ORDER BY e.seq

-- name: read_answer
SELECT
  m.status <> 'streaming' AS ended,
  m.content,
  m.citations
FROM runs r JOIN messages m USING (message_id)
WHERE r.run_id = $1 AND r.owner_id = $2

-- name: join_tokens
-- A stored reset starts its row and discards the text before it.
SELECT coalesce(string_agg(text, '' ORDER BY seq), '') FROM run_events
WHERE run_id = $1 AND seq >= coalesce(
  (SELECT max(seq) FROM run_events WHERE run_id = $1 AND starts_with(data, '{"type":"reset"')), 0)

-- name: request_stop
WITH stopped AS (
  UPDATE runs SET stop_requested_at = coalesce(stop_requested_at, $3)
  WHERE run_id = $1 AND owner_id = $2 AND status = 'running'
  RETURNING run_id, owner_id, session_id, message_id, question_id, route, status, epoch, process_id, head,
    reserved, model, filters, on_disconnect, created_at, request_hash, stop_requested_at, terminal_seq,
    terminal_type, terminal_data, receipt
)
SELECT run_id, owner_id, session_id, message_id, question_id, route, status, epoch, process_id, head,
  reserved, model, filters, on_disconnect, created_at, request_hash, stop_requested_at, terminal_seq,
  terminal_type, terminal_data, receipt,
  pg_notify('citestream_runs', 'stop:' || run_id)
FROM stopped

-- name: remember_stop
INSERT INTO pending_stops (owner_id, run_id, requested_at) VALUES ($2, $1, $3)
ON CONFLICT (owner_id, run_id) DO UPDATE SET requested_at = excluded.requested_at

-- name: forget_stops
DELETE FROM pending_stops WHERE requested_at < $1

-- name: list_stops
SELECT run_id FROM runs
WHERE process_id = $1 AND status = 'running' AND stop_requested_at IS NOT NULL

-- name: renew_lease
INSERT INTO processes (process_id, beat, beat_at) VALUES ($1, 1, clock_timestamp())
ON CONFLICT (process_id) DO UPDATE SET beat = processes.beat + 1, beat_at = clock_timestamp()

-- name: list_leases
-- Always at least one row, so that the clock is read even when nothing runs.
SELECT extract(epoch FROM clock.now)::float8 AS now_s, r.run_id, r.epoch, r.process_id, p.beat
FROM (SELECT clock_timestamp() AS now) AS clock
LEFT JOIN runs r ON r.status = 'running'
LEFT JOIN processes p USING (process_id)

-- name: take_run
UPDATE runs SET epoch = epoch + 1, process_id = $5
WHERE run_id = $1 AND epoch = $2 AND process_id = $3 AND status = 'running'
  AND (SELECT beat FROM processes p WHERE p.process_id = $3) IS NOT DISTINCT FROM $4::bigint
RETURNING run_id, owner_id, session_id, message_id, question_id, route, status, epoch, process_id, head,
  reserved, model, filters, on_disconnect, created_at, request_hash, stop_requested_at, terminal_seq,
  terminal_type, terminal_data, receipt

-- name: remember_model
UPDATE conversations SET model = $3
WHERE owner_id = $1 AND session_id = $2 AND model IS DISTINCT FROM $3

-- name: list_turns
-- The newest ended answer to each question before $3; the last $4 turns, newest first. Answers
-- before the last $5 turns are cut after $6 characters.
SELECT q.content AS question,
  CASE WHEN row_number() OVER (ORDER BY q.ordinal DESC) <= $5 THEN a.content
  ELSE left(a.content, $6) END AS answer,
  a.status, a.status <> 'complete'
  OR a.finish_reason IS DISTINCT FROM 'no_evidence' AND a.citations <> '[]' AS answered
FROM messages q
CROSS JOIN LATERAL (
  SELECT content, status, finish_reason, citations FROM messages
  WHERE question_id = q.message_id AND owner_id = $1 AND role = 'assistant'
    AND status <> 'streaming'
  ORDER BY ordinal DESC
  LIMIT 1
) AS a
WHERE q.owner_id = $1 AND q.session_id = $2 AND q.role = 'user'
  AND q.ordinal < coalesce(
    (SELECT ordinal FROM messages
     WHERE message_id = $3 AND owner_id = $1 AND session_id = $2),
    9223372036854775807
  )
ORDER BY q.ordinal DESC
LIMIT $4

-- name: read_partial
SELECT m.content, m.evidence
FROM messages m JOIN conversations c USING (owner_id, session_id)
WHERE m.message_id = $1 AND m.owner_id = $2 AND m.role = 'assistant' AND m.status <> 'streaming'
  AND c.deleted_at IS NULL

-- name: purge_runs
-- The idempotency key is kept as long as the events that it would replay.
WITH old AS (
  UPDATE runs SET purged = true, idempotency_key = NULL
  WHERE ended_at < $1 AND status <> 'running' AND NOT purged
  RETURNING run_id
), dropped AS (
  DELETE FROM run_events e USING old WHERE e.run_id = old.run_id
)
SELECT count(*) FROM old

-- name: drop_processes
DELETE FROM processes p
WHERE p.beat_at < $1
  AND NOT EXISTS (SELECT FROM runs r WHERE r.process_id = p.process_id AND r.status = 'running')
