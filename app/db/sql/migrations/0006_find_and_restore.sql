-- A deleted source is hidden at once and can be brought back for a while.
ALTER TABLE sources ADD COLUMN deleted_at timestamptz;
CREATE INDEX sources_deleted ON sources (deleted_at) WHERE deleted_at IS NOT NULL;

-- What a message is found by. Its owner is a term of it (no word begins with a space), so that a search
-- never walks what others wrote. A vector holds 1 MB: of longer texts the beginning is found. Addresses
-- and compounds are taken apart, as what is looked for is (`app/db/conversation_store.py`).
CREATE FUNCTION message_terms(owner_id text, content text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT to_tsvector('simple'::regconfig, translate(left(content, 100000), './\-_@:', '       '))
    || array_to_tsvector(ARRAY[' ' || md5(owner_id)])
$$;
CREATE INDEX messages_by_terms ON messages USING gin (message_terms(owner_id, content));
