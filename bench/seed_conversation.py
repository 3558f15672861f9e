"""Creates one conversation of thousands of messages from a stored answer.

`python -m bench.seed_conversation SESSION_ID --turns 2500` repeats the newest finished answer of
the embedded database in `DATA_DIR` with its evidence and citations, so that sizes are realistic.
"""

import argparse
import asyncio

import asyncpg

from app.config import load_settings
from app.db.embedded.server import EmbeddedServer
from app.domain.principals import LOCAL

CONVERSATION = """
INSERT INTO conversations (owner_id, session_id, title, filters, created_at, updated_at)
SELECT owner_id, $1, 'A long conversation', filters, now(), now()
FROM messages WHERE message_id = $2
"""
MESSAGES = """
INSERT INTO messages (message_id, owner_id, session_id, role, content, status, finish_reason,
  citations, evidence, usage, timings, question_id, model, filters, created_at, ended_at)
SELECT md5($1 || t.role || n)::uuid::text, t.owner_id, $1, t.role,
  CASE t.role WHEN 'user' THEN 'Question ' || n || ': ' || t.content ELSE t.content END,
  t.status, t.finish_reason, t.citations, t.evidence, t.usage, t.timings,
  md5($1 || 'user' || n)::uuid::text, t.model, t.filters, now(), now()
FROM messages answer
JOIN messages t ON t.message_id IN (answer.message_id, answer.question_id)
CROSS JOIN generate_series(1, $3::int) n
WHERE answer.message_id = $2
ORDER BY n, t.role DESC
"""
NEWEST = """
SELECT message_id FROM messages
WHERE owner_id = $1 AND role = 'assistant' AND finish_reason = 'stop'
ORDER BY ordinal DESC LIMIT 1
"""


async def seed(dsn: str, session_id: str, *, owner_id: str, turns: int) -> None:
    """Adds the conversation. Raises `SystemExit` when there is no answer to repeat."""
    connection = await asyncpg.connect(dsn)
    try:
        answer = await connection.fetchval(NEWEST, owner_id)
        if answer is None:
            raise SystemExit("There is no finished answer to repeat: ask something first.")
        async with connection.transaction():
            await connection.execute(CONVERSATION, session_id, answer)
            await connection.execute(MESSAGES, session_id, answer, turns)
    finally:
        await connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("session_id")
    parser.add_argument("--turns", type=int, default=2_500)
    parser.add_argument("--owner", default=LOCAL.owner_id)
    options = parser.parse_args()
    server = EmbeddedServer.start(load_settings().data_dir)
    try:
        asyncio.run(
            seed(server.dsn, options.session_id, owner_id=options.owner, turns=options.turns)
        )
    finally:
        server.release()


if __name__ == "__main__":
    main()
