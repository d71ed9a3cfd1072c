"""Where the notebooks and templates that come with the package lie: in the wheel, or a checkout."""

from pathlib import Path

from journey_widgets.errors import WorkspaceError, did_you_mean

_PACKAGE = Path(__file__).parent
_IN_WHEEL = _PACKAGE / "shipped"
_CHECKOUT = _PACKAGE.parent.parent
JUPYTER_DATA = _PACKAGE / "publish" / "share" / "jupyter"
"""Voilà, nbconvert and JupyterLab files of ours, in the layout of a Jupyter data folder."""


def notebooks() -> Path:
    """Return the folder of the notebooks."""
    return _IN_WHEEL / "notebooks" if _IN_WHEEL.is_dir() else _CHECKOUT / "notebooks"


def template(name: str) -> Path:
    """Return the folder of a workspace template; an unknown one is a `WorkspaceError`."""
    found = templates()
    if name not in found:
        msg = f"There is no workspace template {name!r}. {did_you_mean(name, found)}"
        raise WorkspaceError(msg)
    return found[name]


def templates() -> dict[str, Path]:
    """Return the workspace templates: name → folder."""
    if _IN_WHEEL.is_dir():
        return {p.name: p for p in sorted((_IN_WHEEL / "templates").iterdir()) if p.is_dir()}
    data = _CHECKOUT / "data"
    found = {p.name: p for p in (data / "templates").iterdir() if p.is_dir()}
    found |= {"online_shop": data / "real" / "ecom_synthetic", "phone_retailer": data / "example"}
    return dict(sorted(found.items()))
