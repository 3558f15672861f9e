"""What can go wrong between a client and a server."""


class ClientError(Exception):
    """Base class of this client's errors."""


class Unreachable(ClientError):
    """The server could not be reached within the time that the client was given."""


class Refused(ClientError):
    """The server refused before any stream: `code` is stable, `details` names a field or a run."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: dict[str, object] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details or {}
        self.retry_after_s = retry_after_s
