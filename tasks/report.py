"""Stage: say what happened."""

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact

from schemas.handles import Delivered, NightResult, Published, Settled
from schemas.vocabulary import Outcome
from tasks import nights, report_page, reporting, retention
from tasks.progress import StageBegins, tell
from tasks.settings import settings
from tasks.stages import stage


@stage
def report(settled: Settled, published: Published, delivered: Delivered) -> NightResult:
    """Write the night's page and its list of transitions, put a short form into Prefect, and let old nights go."""
    tell(StageBegins("report"))
    run, templates = settled.run, settings().deployments / "templates"
    portfolio = nights.portfolio_of(run.portfolio)
    gathered = reporting.gather_report(settled, portfolio, published)
    page = reporting.write_report(run, gathered, templates)
    create_markdown_artifact(
        key=f"night-{run.portfolio}-{run.business_date}".replace("_", "-"),
        markdown=report_page.render_artifact(gathered, templates, location=str(page)),
        description=f"{portfolio.title}, {run.business_date}",
    )
    warnings = retention.let_go(run) if published.outcome is Outcome.PUBLISHED else ()
    for warning in warnings:
        get_run_logger().warning(warning)
    return reporting.result_of(settled, published, page, delivered, warnings)
