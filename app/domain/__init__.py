"""Events, models, principals, citations, errors: pure; no framework, no driver."""
