"""What tests have measured is told at the end of the run, also where they ran in other processes and passed."""

MEASURED = "measured"
"""The name of the property that such a test records (`record_property`)."""


def pytest_terminal_summary(terminalreporter):
    """Print it."""
    for report in terminalreporter.getreports("passed"):
        for name, told in report.user_properties:
            if name == MEASURED and report.when == "call":
                terminalreporter.write_line(told)
