"""What the doctor found, and how it is told."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from app.domain.encoding import printable

Verdict = Literal["ok", "warn", "FAIL", "skip"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One examined part. `remedy` is what to change, one line each."""

    verdict: Verdict
    part: str
    text: str
    remedy: tuple[str, ...] = ()


def report(findings: Iterable[Finding]) -> str:
    """Lines for a terminal."""
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{finding.verdict:<5} {finding.part:<11} {printable(finding.text)}")
        lines += [f"{'':<17} → {printable(line)}" for line in finding.remedy]
    return "\n".join(lines)


def failed(findings: Iterable[Finding]) -> bool:
    """Whether anything has to be mended before strangers come."""
    return any(finding.verdict == "FAIL" for finding in findings)
