"""Answer models by provider, quoting mode, and the transport to model services."""
