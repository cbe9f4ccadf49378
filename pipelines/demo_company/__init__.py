"""The demo company: a deterministic simulator of a B2B software company with known truth."""

from pipelines.demo_company.write import DemoCompanyError, write_company

__all__ = ["DemoCompanyError", "write_company"]
