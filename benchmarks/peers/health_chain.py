"""The same in HealthChain (PyPI), which runs in an environment of its own: one hook with a fixed card."""

from __future__ import annotations

from healthchain.gateway import CDSHooksService, HealthChainAPI  # type: ignore[import-not-found]
from healthchain.models import Card, CDSRequest, CDSResponse  # type: ignore[import-not-found]

hooks = CDSHooksService()


@hooks.hook("order-sign", id="call", title="Bench", description="Returns a fixed card")  # type: ignore[untyped-decorator]
def call(request: CDSRequest) -> CDSResponse:  # noqa: ARG001 - it is parsed, and nothing is asked of it
    """Answer."""
    return CDSResponse(cards=[Card(summary="A card", indicator="info", source={"label": "Bench"})])


app = HealthChainAPI()
app.register_service(hooks, "/cds")
