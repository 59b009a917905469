"""What it cost."""

from decimal import Decimal

from headrace.app.errors import UnknownGrouping
from headrace.app.models import label
from headrace.app.recording import catalogue_name
from headrace.app.reports import CostLine, CostReport, ServedCost
from headrace.app.workspace import Workspace
from headrace.core.units import counted
from headrace.costs.charges import per_thousand
from headrace.costs.prices import Prices
from headrace.ledger import charges, models, predictions
from headrace.ledger.charges import Total
from headrace.ledger.session import Session

GROUPINGS = ("run", "step", "model")


def cost(workspace: Workspace, by: str) -> CostReport:
    """Return what the project cost, and what its predictions cost.

    Raises:
        UnknownGrouping: for another `by` than run, step or model.
    """
    if by not in GROUPINGS:
        raise UnknownGrouping(by, GROUPINGS)
    prices = Prices.load(workspace.settings.prices_file)
    project = workspace.project.name
    with workspace.ledger.read() as session:
        totals = charges.totals(session, by, project=project)
        return CostReport(
            total_usd=str(sum((total.amount_usd for total in totals), Decimal(0))),
            by=by,
            lines=[_line(total, by) for total in totals],
            served=served_costs(session, project, prices),
            catalogue=f"{catalogue_name(prices)} ({prices.source})",
        )


def served_costs(session: Session, project: str, prices: Prices, version_id: str | None = None) -> list[ServedCost]:
    """Return what predictions cost, by model version and where they were made."""
    found = []
    for total in predictions.totals(session, project):
        if version_id in (None, total.model_version_id):
            thousand = per_thousand(total.cpu_seconds, total.wall_seconds, total.predictions, prices).used_usd
            version = models.get(session, total.model_version_id)
            found.append(
                ServedCost(
                    version=label(version),
                    source=total.source,
                    predictions=total.predictions,
                    cpu_seconds=total.cpu_seconds,
                    per_thousand_usd=str(thousand),
                )
            )
    return found


def _line(total: Total, by: str) -> CostLine:
    names = {"model": "tables and shared steps", "run": "predictions", "step": "predictions"}
    return CostLine(name=total.key or names[by], amount_usd=str(total.amount_usd), detail=counted(total.charges, "charge"))
