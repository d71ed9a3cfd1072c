"""What support logs usually call the steps of a case."""

NAMES: dict[str, tuple[str, ...]] = {
    "opened": ("opened", "open", "new", "created"),
    "answered": ("answered", "replied", "first reply", "handled"),
    "solved": ("solved", "resolved", "closed"),
    "reopened": ("reopened", "reopen"),
    "escalated": ("escalated", "escalate"),
    "waiting": ("waiting", "pending", "awaiting user info", "waiting for customer"),
    "abandoned": ("abandoned",),
    "article": ("article", "article linked"),
}
"""Step → what logs usually call it."""
