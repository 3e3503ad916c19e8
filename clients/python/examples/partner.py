"""A partner: every event, page by page, without waiting for one answer after another."""

import asyncio
import os

from retainer_client import AsyncRetainer


async def main() -> None:
    async with AsyncRetainer(os.environ["RETAINER_URL"], os.environ["RETAINER_KEY"]) as retainer:
        customers = [row["customer_id"] async for row in retainer.each_customers()]
        balances = await asyncio.gather(*(retainer.get_balance(customer) for customer in customers))
        print(dict(zip(customers, (balance["available"] for balance in balances), strict=True)))


asyncio.run(main())
