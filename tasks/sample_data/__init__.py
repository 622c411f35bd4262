"""Sample data: worlds to run nights on without a lender, and the stand-in for its core system."""


class SampleDataError(ValueError):
    """Sample data cannot be made or read; the message says what was found and what to do."""
