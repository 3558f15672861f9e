"""HTTP: routes, the one SSE encoder, sign-in, errors."""
