-- The smallest hashes of a text's word sequences: what two sources share of them says how alike they
-- are.
CREATE TABLE source_sketches (
  source integer PRIMARY KEY REFERENCES sources ON DELETE CASCADE,
  hashes bigint[] NOT NULL
);
CREATE INDEX source_sketches_by_hash ON source_sketches USING gin (hashes);
CREATE INDEX sources_by_original ON sources (original_key);
CREATE INDEX sources_by_audio ON sources (audio_key) WHERE audio_key IS NOT NULL;
