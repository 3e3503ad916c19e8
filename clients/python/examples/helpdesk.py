"""A helpdesk: may this customer ask, what does it cost, and open the ticket; a refusal says what would help."""

import os

from retainer_client import RefusedError, Retainer

with Retainer(os.environ["RETAINER_URL"], os.environ["RETAINER_KEY"]) as retainer:
    decision = retainer.decide_entitlement("ann", "open_ticket")
    ticket = retainer.put_ticket("example-1", {"customer_id": "ann", "subject": "Taxes", "category": "domain_change"})
    try:
        retainer.create_debit("ann", {"credits": 100_000})
    except RefusedError as refusal:
        print(decision["allowed"], ticket["state"], refusal.code, refusal.next_step)
