"""The least that a hook can be in Flask: the body is parsed, and a fixed card is returned."""

from __future__ import annotations

import json

from flask import Flask, Response, request

_CARDS = json.dumps({"cards": [{"summary": "A card", "indicator": "info", "source": {"label": "Bench"}}]})
app = Flask("bare")


@app.post("/call")
def call() -> Response:
    """Parse and answer."""
    json.loads(request.get_data(cache=False))
    return Response(_CARDS, mimetype="application/json")
