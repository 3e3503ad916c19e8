"""A checkout: sell credits once, whatever the network does, and see what they brought."""

import os

from retainer_client import Retainer

with Retainer(os.environ["RETAINER_URL"], os.environ["RETAINER_KEY"]) as retainer:
    order = {"customer_id": "ann", "placed_at": "2025-01-01T00:00:00Z", "currency": "USD"}
    order["lines"] = [{"line_id": "1", "sku": "license-owned"}, {"line_id": "2", "sku": "credits-40"}]
    retainer.put_order("example-2001", order)
    retainer.put_order("example-2001", order)
    print(retainer.get_balance("ann")["available"])
