"""What quoting mode quotes: units of passages, which of them answer, and how they are written."""
