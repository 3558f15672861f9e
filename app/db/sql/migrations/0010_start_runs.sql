-- Accepting a question in one round trip instead of five: a process that serves hundreds of streams
-- waits for its event loop each time. Every statement of the function sees what was committed before it
-- began, so the checks see what the locks were waited for.
CREATE FUNCTION start_run(
  lock_classes integer[], lock_names text[], refused boolean, most integer, since timestamptz,
  new_run text, owner text, session text, answer text, question text, by_route text, process text,
  first_reserved bigint, continued text, key text, by_model text, wanted jsonb, disconnect text,
  at timestamptz, hash text, new_title text, asked_text text, hidden timestamptz,
  OUT repeated boolean, OUT taken boolean, OUT active_run_id text, OUT running bigint,
  OUT deleted boolean, OUT known boolean, OUT stop_requested boolean
) LANGUAGE plpgsql AS $$
BEGIN
  -- Serialises what must not happen twice at once. Class 1: an owner's limit; 2: an idempotency key;
  -- 3: a conversation; 4: a run id. Always taken in this order, so that nobody waits in a circle.
  PERFORM pg_advisory_xact_lock(l.class, hashtext(l.name))
  FROM unnest(lock_classes, lock_names) WITH ORDINALITY AS l (class, name, place)
  ORDER BY l.place;

  repeated := key IS NOT NULL AND EXISTS (
    SELECT FROM runs WHERE owner_id = owner AND route = by_route AND idempotency_key = key
  );
  IF repeated OR refused THEN
    RETURN;
  END IF;

  SELECT
    EXISTS (SELECT FROM runs WHERE run_id = new_run),
    (SELECT run_id FROM runs
     WHERE owner_id = owner AND session_id = session AND status = 'running'),
    (SELECT count(*) FROM runs WHERE owner_id = owner AND status = 'running'),
    (SELECT deleted_at IS NOT NULL FROM conversations
     WHERE owner_id = owner AND session_id = session),
    EXISTS (
      SELECT FROM messages
      WHERE message_id = question AND owner_id = owner AND session_id = session AND role = 'user'
    ) AND (continued IS NULL OR EXISTS (
      SELECT FROM messages
      WHERE message_id = continued AND owner_id = owner AND session_id = session
        AND question_id = question AND role = 'assistant'
    )),
    EXISTS (
      SELECT FROM pending_stops
      WHERE owner_id = owner AND run_id = new_run AND requested_at >= since
    )
  INTO taken, active_run_id, running, deleted, known, stop_requested;
  IF taken OR active_run_id IS NOT NULL OR running >= most
    OR asked_text IS NULL AND (NOT known OR deleted) THEN
    RETURN;
  END IF;

  IF deleted THEN
    -- A deleted conversation that is asked again starts anew; its messages and runs go with it.
    DELETE FROM run_events e USING runs r
    WHERE r.owner_id = owner AND r.session_id = session AND e.run_id = r.run_id;
    DELETE FROM conversations WHERE owner_id = owner AND session_id = session;
  END IF;
  -- One that is in no list is born deleted, at a time to come.
  INSERT INTO conversations
    (owner_id, session_id, title, filters, created_at, updated_at, deleted_at)
  VALUES (owner, session, new_title, wanted, at, at, hidden)
  ON CONFLICT (owner_id, session_id) DO UPDATE
    SET updated_at = greatest(conversations.updated_at, excluded.updated_at);
  IF stop_requested THEN
    DELETE FROM pending_stops WHERE owner_id = owner AND run_id = new_run;
  END IF;
  INSERT INTO messages (message_id, owner_id, session_id, role, content, status, run_id,
                        question_id, model, filters, created_at, ended_at)
  SELECT m.message_id, owner, session, m.role, m.content, m.status, new_run, question, m.model,
    wanted, at, m.ended_at
  FROM (VALUES
    (1, question, 'user', asked_text, 'complete', NULL, at),
    (2, answer, 'assistant', '', 'streaming', by_model, NULL)
  ) AS m (place, message_id, role, content, status, model, ended_at)
  WHERE m.content IS NOT NULL
  ORDER BY m.place;
  INSERT INTO runs (run_id, owner_id, session_id, message_id, question_id, route, status,
                    process_id, reserved, continues, model, filters, on_disconnect, created_at,
                    idempotency_key, request_hash, stop_requested_at)
  VALUES (new_run, owner, session, answer, question, by_route, 'running', process, first_reserved,
          continued, by_model, wanted, disconnect, at, key, hash,
          CASE WHEN stop_requested THEN at END);
END
$$;
