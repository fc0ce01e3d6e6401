"""The demo EHR: a chart, an order, and what the service answers."""
