-- Which words of a conversation name sources (see read_word_use).
CREATE INDEX sources_by_title_words ON sources USING gin (to_tsvector('english', title));
