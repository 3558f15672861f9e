"""Questions with checkable answers, sent to a real server over HTTP as a user would."""
