"""Bringing the ledger of a home to this version of Headrace."""

from headrace.app.reports import UpgradeReport
from headrace.app.workspace import Workspace
from headrace.ledger.upgrading import plan_upgrade, upgrade


def upgrade_ledger(workspace: Workspace, *, dry_run: bool) -> UpgradeReport:
    """Migrate the ledger, or tell what that would do. Bundles and tables need nothing: each says itself what it is.

    Raises:
        LedgerInUse: if a run is going on.
        LedgerIsNewer: if a newer Headrace wrote it.
    """
    with workspace.secrets.kept_out_of_errors():
        found = (plan_upgrade if dry_run else upgrade)(workspace.ledger_url)
    return UpgradeReport(
        ledger=found.ledger,
        found=found.found,
        head=found.head,
        migrations=[f"{each.version} {each.title}" for each in found.migrations],
        done=not dry_run,
    )
