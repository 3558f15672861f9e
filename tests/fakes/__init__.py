"""Doubles of systems outside this project, real down to the socket."""
