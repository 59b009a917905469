"""What ingestion took for granted or did by rule, said as results that nothing can break."""

from collections.abc import Mapping

from headrace.ingest.requests import RuleResult

INFO = "info"


def remark(about: str, rows: int, detail: str) -> RuleResult:
    """Return a result that informs."""
    return RuleResult(about, INFO, 0, rows, detail)


def say_zoneless(counts: Mapping[str, int]) -> list[RuleResult]:
    """Return for each column how many times were taken for UTC because neither they nor the source say a zone."""
    remedy = 'if other clocks show them, say which: timezone="America/New_York" of the source; if not, timezone="UTC"'
    return [remark(f"{column} has no zone", rows, f"times taken for UTC: {rows:,}; {remedy}") for column, rows in counts.items()]
