"""Readers whom a JupyterHub names: this server runs as one of its services and asks it who somebody is.

Loaded only where that is asked for; the names of variables are the hub's own.
"""

from typing import Any

from jupyter_server.utils import url_path_join
from jupyterhub.services.auth import HubOAuth
from jupyterhub.singleuser.extension import (
    JupyterHubIdentityProvider,
    JupyterHubOAuthCallbackHandler,
)
from traitlets import Unicode, default


class HubReaders(JupyterHubIdentityProvider):
    """Whoever is signed in at the hub and may use this service."""

    secret = Unicode(config=True)
    """The service's own token at the hub; never in the environment of this process, whose kernels inherit it."""
    token = ""

    @default("hub_auth")
    def _default_hub_auth(self) -> HubOAuth:
        return HubOAuth(parent=self, api_token=self.secret)

    def get_handlers(self) -> list[Any]:
        """Return the address to which the hub sends who has signed in."""
        assert self.parent is not None  # noqa: S101 - the server
        address = url_path_join(self.parent.base_url, "/oauth_callback")
        return [(address, JupyterHubOAuthCallbackHandler, {"hub_auth": self.hub_auth})]
