"""Open a ticket as FastAPI and the SQLAlchemy ORM are usually written: what the service is compared with.

Price, lots, hold, due time, agenda, outbox, `FOR UPDATE` and idempotency, in tables of a schema of its own. It has one
policy in code and one clock; it knows no covers, no histories, no explanations and no ledger that could be audited.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy import JSON, DateTime, ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.schema import CreateSchema

CUSTOMERS = 500
PRICES = {"level_1": 10, "level_2": 25, "level_3": 40}
engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=10, max_overflow=0)
Session = async_sessionmaker(engine, expire_on_commit=False)


def now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """Keep all tables in a schema of their own."""

    type_annotation_map = {datetime: DateTime(timezone=True), dict[str, Any]: JSON}  # noqa: RUF012
    __table_args__: Any = {"schema": "ordinary"}  # noqa: RUF012


class Customer(Base):
    """A customer, whose row is the lock."""

    __tablename__ = "customer"
    id: Mapped[str] = mapped_column(primary_key=True)
    lots: Mapped[list[Lot]] = relationship(lazy="selectin", order_by="Lot.expires_at, Lot.id")


class Lot(Base):
    """Credits that expire together."""

    __tablename__ = "lot"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    customer_id: Mapped[str] = mapped_column(ForeignKey("ordinary.customer.id"), index=True)
    available: Mapped[int]
    held: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime | None]


class Ticket(Base):
    """A ticket with its price and its due time."""

    __tablename__ = "ticket"
    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("ordinary.customer.id"), index=True)
    subject: Mapped[str]
    category: Mapped[str]
    state: Mapped[str]
    price: Mapped[int]
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    said: Mapped[str]
    holds: Mapped[list[Hold]] = relationship(lazy="selectin")


class Hold(Base):
    """Credits of a lot that a ticket holds."""

    __tablename__ = "hold"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    ticket_id: Mapped[str] = mapped_column(ForeignKey("ordinary.ticket.id"), index=True)
    lot_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("ordinary.lot.id"))
    credits: Mapped[int]


class Entry(Base):
    """A move of credits in the journal."""

    __tablename__ = "entry"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    lot_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("ordinary.lot.id"), index=True)
    ticket_id: Mapped[str | None] = mapped_column(ForeignKey("ordinary.ticket.id"))
    credits: Mapped[int]
    at: Mapped[datetime]


class Agenda(Base):
    """What will fall due."""

    __tablename__ = "agenda"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    at: Mapped[datetime] = mapped_column(index=True)
    ticket_id: Mapped[str] = mapped_column(ForeignKey("ordinary.ticket.id"))


class Outbox(Base):
    """An event for webhooks."""

    __tablename__ = "outbox"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    type: Mapped[str]
    at: Mapped[datetime]
    data: Mapped[dict[str, Any]]


class TicketIn(BaseModel):
    """The body."""

    customer_id: str
    subject: str
    channel: str
    category: str


class HoldOut(BaseModel):
    """A hold in the answer."""

    model_config = ConfigDict(from_attributes=True)
    lot_id: uuid.UUID
    credits: int


class TicketOut(BaseModel):
    """The answer."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    customer_id: str
    subject: str
    category: str
    state: str
    price: int
    opened_at: datetime
    due_at: datetime
    holds: list[HoldOut]


async def session() -> AsyncIterator[AsyncSession]:
    """Give a request its session."""
    async with Session() as made:
        yield made


async def known(authorization: Annotated[str, Header()]) -> None:
    """Refuse a call without the key."""
    if authorization != f"Bearer {os.environ['ORDINARY_KEY']}":
        raise HTTPException(401)


def next_business_day(at: datetime) -> datetime:
    """Return the same time on the next day from Monday to Friday."""
    due = at + timedelta(days=1)
    while due.isoweekday() > 5:
        due += timedelta(days=1)
    return due


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Make the tables, and customers who have credits."""
    async with engine.begin() as connection:
        await connection.execute(CreateSchema("ordinary", if_not_exists=True))
        await connection.run_sync(Base.metadata.create_all)
    async with Session() as made, made.begin():
        if await made.get(Customer, "s0") is None:
            made.add_all(Customer(id=f"s{n}", lots=[Lot(available=10**9)]) for n in range(CUSTOMERS))
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan, dependencies=[Depends(known)])


@app.put("/tickets/{ticket_id}", response_model=TicketOut, status_code=201)
async def put_ticket(ticket_id: str, body: TicketIn, db: Annotated[AsyncSession, Depends(session)]) -> Ticket:
    """Open a ticket: priced, held, due; said again, it answers the same."""
    said = hashlib.sha256(body.model_dump_json().encode()).hexdigest()
    async with db.begin():
        customer = await db.get(Customer, body.customer_id, with_for_update=True)
        if customer is None:
            raise HTTPException(404, "customer_not_found")
        ticket = await db.get(Ticket, ticket_id)
        if ticket is not None:
            if ticket.said != said:
                raise HTTPException(409, "ticket_differs")
            return ticket
        at = now()
        wanted = price = PRICES[body.category]
        due = next_business_day(at)
        ticket = Ticket(
            id=ticket_id, customer_id=customer.id, subject=body.subject, category=body.category, state="in_progress",
            price=price, opened_at=at, due_at=due, said=said, holds=[],
        )  # fmt: skip
        db.add(ticket)
        await db.flush()
        for lot in customer.lots:
            usable = lot.available if lot.expires_at is None or lot.expires_at > at else 0
            taken = min(wanted, usable)
            if taken:
                lot.available -= taken
                lot.held += taken
                ticket.holds.append(Hold(lot_id=lot.id, credits=taken))
                db.add(Entry(lot_id=lot.id, ticket_id=ticket_id, credits=taken, at=at))
                wanted -= taken
        if wanted:
            raise HTTPException(409, "insufficient_credits")
        db.add(Agenda(at=due, ticket_id=ticket_id))
        for kind in ("credits.held", "ticket.opened"):
            db.add(Outbox(type=kind, at=at, data={"ticket_id": ticket_id, "credits": price}))
    return ticket


@app.get("/customers/{customer_id}")
async def get_customer(customer_id: str, db: Annotated[AsyncSession, Depends(session)]) -> dict[str, Any]:
    """Return a customer with lots and the newest twenty tickets."""
    customer = (await db.scalars(select(Customer).where(Customer.id == customer_id))).one()
    newest = select(Ticket).where(Ticket.customer_id == customer_id).order_by(Ticket.opened_at.desc()).limit(20)
    tickets = (await db.scalars(newest)).all()
    return {
        "customer_id": customer.id,
        "available": sum(lot.available for lot in customer.lots),
        "lots": [{"id": str(lot.id), "available": lot.available, "held": lot.held} for lot in customer.lots],
        "tickets": [TicketOut.model_validate(ticket).model_dump(mode="json") for ticket in tickets],
    }
