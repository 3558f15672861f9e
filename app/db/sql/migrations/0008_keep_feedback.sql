-- What the reader thinks of an answer: {"rating": "up" | "down", "comment": text}.
ALTER TABLE messages ADD COLUMN feedback jsonb;
