"""What every test of this folder may ask for."""

from cli.fixtures import installation, running_sandbox, sandbox, width

__all__ = ["installation", "running_sandbox", "sandbox", "width"]
