-- Who may come in, and who may read a source.
CREATE TABLE api_tokens (
  token_id text COLLATE "C" PRIMARY KEY,
  digest bytea NOT NULL UNIQUE, -- SHA-256: the token is told once and kept nowhere
  owner_id text COLLATE "C" NOT NULL,
  groups text[] COLLATE "C" NOT NULL,
  label text NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  revoked_at timestamptz
);

CREATE TABLE sessions (
  digest bytea PRIMARY KEY,
  owner_id text COLLATE "C" NOT NULL,
  groups text[] COLLATE "C" NOT NULL,
  token_id text COLLATE "C" REFERENCES api_tokens ON DELETE CASCADE, -- it ends with this token
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_oldest ON sessions (expires_at);

-- Shut out in every mode of sign-in, whatever they present.
CREATE TABLE blocked_people (
  owner_id text COLLATE "C" PRIMARY KEY,
  blocked_at timestamptz NOT NULL
);

ALTER TABLE sources ADD shared_with text[] COLLATE "C" NOT NULL DEFAULT '{}'; -- groups
