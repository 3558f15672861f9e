"""Findings of the doctor and their report."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from app.domain.encoding import printable

Verdict = Literal["ok", "warn", "FAIL", "skip"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One examined part. `remedy` lists what to change, one line each."""

    verdict: Verdict
    part: str
    text: str
    remedy: tuple[str, ...] = ()


def report(findings: Iterable[Finding]) -> str:
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{finding.verdict:<5} {finding.part:<11} {printable(finding.text)}")
        lines += [f"{'':<17} → {printable(line)}" for line in finding.remedy]
    return "\n".join(lines)


def failed(findings: Iterable[Finding]) -> bool:
    """Whether anything must be fixed before going public."""
    return any(finding.verdict == "FAIL" for finding in findings)
