"""Mail messages as mail programs write them."""

from collections.abc import Mapping
from email.message import EmailMessage


def message(
    subject: str,
    text: str,
    *,
    html: str | None = None,
    attached: Mapping[str, bytes] | None = None,
    inner: EmailMessage | None = None,
) -> EmailMessage:
    """A message from Ana to Ben; `attached` are files by name, `inner` is forwarded."""
    made = EmailMessage()
    made["From"] = "Ana Ng <ana@example.org>"
    made["To"] = "Ben <ben@example.org>"
    made["Date"] = "Mon, 02 Nov 2026 10:00:00 +0000"
    made["Subject"] = subject
    made.set_content(text)
    if html is not None:
        made.add_alternative(html, subtype="html")
    for name, data in (attached or {}).items():
        made.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    if inner is not None:
        made.add_attachment(inner)
    return made
