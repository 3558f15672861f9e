-- The model that was chosen for a conversation's next question, by name; null: the default.
ALTER TABLE conversations ADD COLUMN model text;
