"""Questions with checkable answers, asked as a user asks them: over HTTP, of a real server."""
