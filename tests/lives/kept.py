"""Lives that once found a fault, told again for ever. Each is as short as it could be made."""

from __future__ import annotations

from tests.lives.life import Step

KEPT: dict[str, tuple[str, list[Step]]] = {
    # A ticket holds credits of an order that is refunded; it is withdrawn, and they were usable again.
    "back_to_a_refunded_unit": (
        "x-cart",
        [("order", 653159), ("open_ticket", 267853), ("refund_order", 777820), ("withdraw", 375951)],
    ),
    # An order is refunded, and its lot was paid back once more.
    "money_by_two_doors": ("shopp", [("order", 599159), ("refund_order", 34167), ("pay_back", 506002)]),
    # A spent credit is paid back by discretion, then given back: it was usable although its money was gone.
    "paid_back_and_given_back": (
        "shopp",
        [("order", 428380), ("hold", 545281), ("pay_back", 568298), ("end_hold", 735695)],
    ),
    # An open ticket holds a credit that nobody served, and it was paid back by discretion.
    "paid_back_in_use": ("shopp", [("order", 428380), ("open_ticket", 74248), ("pay_back", 455698)]),
    # A ticket that was told late was rejected for a license that was refunded after it was opened.
    "told_late_after_a_refund": ("shopp", [("order", 129388), ("refund_order", 583929), ("open_ticket", 400019)]),
    # A pack is given to another customer and its order refunded: the other one kept it.
    "refund_of_what_was_given_away": (
        "x-cart",
        [("order", 474354), ("order", 907796), ("transfer", 586963), ("refund_order", 898485)],
    ),
}
