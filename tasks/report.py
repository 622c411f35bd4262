"""Stage: say what happened."""

from prefect.artifacts import create_markdown_artifact

from schemas.handles import Accepted, NightResult, Published, Run
from tasks import nights, publishing, report_page, reporting
from tasks.progress import StageBegins, tell
from tasks.settings import settings
from tasks.stages import stage


@stage
def report(run: Run, accepted: Accepted, published: Published) -> NightResult:
    """Write the night's page and its list of transitions, and put a short form into Prefect."""
    tell(StageBegins("report"))
    portfolio = nights.portfolio_of(run.portfolio)
    templates = settings().deployments / "templates"
    gathered = reporting.gather_report(run, portfolio, accepted, published)
    page = reporting.write_report(run, gathered, templates)
    create_markdown_artifact(
        key=f"night-{run.portfolio}-{run.business_date}".replace("_", "-"),
        markdown=report_page.render_artifact(gathered, templates, location=str(page)),
        description=f"{portfolio.title}, {run.business_date}",
    )
    return NightResult(
        portfolio=run.portfolio,
        business_date=run.business_date,
        status="dry run, nothing was published" if run.is_dry_run else "published",
        report=page,
        counts=publishing.counts_of(published.plan),
    )
