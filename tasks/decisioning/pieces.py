"""Where two scorecards part on one attribute: the ranges and values to which each gives its own points."""

from dataclasses import dataclass
from typing import Literal

from schemas.policy import Bin, ScorecardAttribute

Card = ScorecardAttribute | None
Cards = tuple[Card, Card]
Side = Literal[0, 1]
Key = tuple[str, int | float | str | bool | None]
MISSING: Key = ("missing", None)
OTHER: Key = ("other", None)
NOT_SCORED = "not scored"


@dataclass(frozen=True)
class Piece:
    """Values of an attribute that each of two scorecards treats as one.

    `points` and `said` have an entry for each of the two: what it gives, and how it says so.
    """

    name: str
    key: Key
    points: tuple[int, int]
    said: tuple[str, str]


def pieces_of(name: str, cards: Cards) -> list[Piece]:
    """All values of an attribute, piece by piece, as two scorecards see them; one that does not score it gives 0."""
    if any(card is not None and card.bins for card in cards):
        kind, pieces = "bin", _bin_pieces(name, cards)
    else:
        kind, pieces = "value", _value_pieces(name, cards)
    missing = [0 if card is None else card.missing for card in cards]
    return [*pieces, _piece(f"{kind} {name} missing", MISSING, cards, missing, ["", ""])]


def put_together(pieces: list[Piece], sides: dict[str, Side], card: ScorecardAttribute) -> ScorecardAttribute:
    """The scorecard's attribute with every piece as one of the two gives it.

    Args:
        pieces: all pieces of the attribute.
        sides: whose points count, by the name of the piece.
        card: gives the reason.
    """
    points = {piece.key: piece.points[sides[piece.name]] for piece in pieces}
    rest = {"missing": points[MISSING], "other": points.get(OTHER), "reason": card.reason}
    if card.bins:
        bins = tuple(Bin(below=key, points=given) for (kind, key), given in points.items() if kind == "bin")  # type: ignore[arg-type]
        return card.model_copy(update={**rest, "bins": bins})
    values = {key: given for (kind, key), given in points.items() if kind == "value"}
    return card.model_copy(update={**rest, "values": values})


def _bin_pieces(name: str, cards: Cards) -> list[Piece]:
    own = [_edges(card) for card in cards]
    edges = sorted({edge for each in own for edge in each})
    pieces = []
    for low, high in zip([None, *edges], [*edges, None], strict=True):
        places = [0 if low is None else sum(edge <= low for edge in each) for each in own]
        points = [
            card.bins[place].points if card and card.bins else 0 for card, place in zip(cards, places, strict=True)
        ]
        held = [_range([None, *each][place], [*each, None][place]) for each, place in zip(own, places, strict=True)]
        within = _range(low, high)
        pieces.append(
            _piece(
                f"bin {name} {within}", ("bin", high), cards, points, ["" if each == within else each for each in held]
            )
        )
    return pieces


def _value_pieces(name: str, cards: Cards) -> list[Piece]:
    listed = [(card.values or {}) if card else {} for card in cards]
    others = [0 if card is None else card.missing if card.other is None else card.other for card in cards]
    pieces = []
    for value in dict.fromkeys([*listed[0], *listed[1]]):
        points = [each.get(value, other) for each, other in zip(listed, others, strict=True)]
        within = ["" if value in each else "other" for each in listed]
        word = str(value).lower() if isinstance(value, bool) else value
        pieces.append(_piece(f"value {name}={word}", ("value", value), cards, points, within))
    if any(card is not None and card.other is not None for card in cards):
        pieces.append(_piece(f"value {name} other", OTHER, cards, others, ["", ""]))
    return pieces


def _piece(name: str, key: Key, cards: Cards, points: list[int], within: list[str]) -> Piece:
    old, new = (
        NOT_SCORED if card is None else f"{given} points" + (f" ({held})" if held else "")
        for card, given, held in zip(cards, points, within, strict=True)
    )
    return Piece(name, key, (points[0], points[1]), (old, new))


def _edges(card: Card) -> list[int | float]:
    return [each.below for each in (card and card.bins) or () if each.below is not None]


def _range(low: float | None, high: float | None) -> str:
    """From, inclusive, and to, exclusive, as the file writes them."""
    return f"{'' if low is None else low}..{'' if high is None else high}"
