"""The admin page: what was used, how it goes, what is being answered right now; for the operator, beside the playground or without it."""

from adapters.admin.api import PATH, AdminPage

__all__ = ["PATH", "AdminPage"]
