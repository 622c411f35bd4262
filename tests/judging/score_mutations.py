"""Changes of one thing in what a line scores by: thresholds, points, and what its attributes may be."""

from typing import Any

from tests.factories import PolicyDict
from tests.judging.questions import Chance, Mutation, one_of


def threshold(name: str) -> Mutation:
    def change(policy: PolicyDict, chance: Chance) -> str | None:
        causes = [cause for cause in policy["causes"].values() if cause[name] is not None]
        for cause in causes[: chance.choice([1, 9])]:
            cause[name] += chance.choice([-40, -10, 10, 40])
        return f"threshold {name}" if causes else None

    return change


def score_min_null(policy: PolicyDict, chance: Chance) -> str | None:
    for cause in policy["causes"].values():
        cause["score_min"] = None if cause["score_min"] is not None else policy["scorecard"]["base_points"] + 30
    policy["limit"]["no_score_bp"] = policy["limit"].get("no_score_bp") or 0
    return "threshold score_min"


def base_points(policy: PolicyDict, chance: Chance) -> str | None:
    policy["scorecard"]["base_points"] += chance.choice([-60, -20, -1, 1, 20, 60])
    return "scorecard base_points"


def _scored(policy: PolicyDict, chance: Chance, key: str) -> tuple[str, dict[str, Any]] | tuple[None, None]:
    cards = {name: card for name, card in policy["scorecard"]["attributes"].items() if key in card}
    name = one_of(cards, chance)
    return (name, cards[name]) if name else (None, None)


def bin_points(policy: PolicyDict, chance: Chance) -> str | None:
    name, card = _scored(policy, chance, "bins")
    if card:
        chance.choice(card["bins"])["points"] += chance.choice([-60, -20, 20, 60])
    return name and f"bin {name} *"


def bin_edge(policy: PolicyDict, chance: Chance) -> str | None:
    name, card = _scored(policy, chance, "bins")
    if not card or len(card["bins"]) < 2:
        return None
    place = chance.randrange(len(card["bins"]) - 1)
    edges = [each["below"] for each in card["bins"][:-1]]
    low = edges[place - 1] if place else edges[0] - 6
    high = edges[place + 1] if place + 1 < len(edges) else edges[-1] + 6
    card["bins"][place]["below"] = (edges[place] + chance.choice([low, high])) / 2
    return f"bin {name} *"


def bin_removed(policy: PolicyDict, chance: Chance) -> str | None:
    name, card = _scored(policy, chance, "bins")
    if not card or len(card["bins"]) < 2:
        return None
    del card["bins"][chance.randrange(len(card["bins"]) - 1)]
    return f"bin {name} *"


def value_points(policy: PolicyDict, chance: Chance) -> str | None:
    name, card = _scored(policy, chance, "values")
    if not card:
        return None
    value = chance.choice(list(card["values"]))
    card["values"][value] += chance.choice([-60, -20, 20, 60])
    return f"value {name}={str(value).lower() if isinstance(value, bool) else value}"


def points_of_what_is_missing(policy: PolicyDict, chance: Chance) -> str | None:
    name, card = _scored(policy, chance, "missing")
    if not card:
        return None
    listed = [each["points"] for each in card["bins"]] if "bins" in card else [*card["values"].values()]
    card["missing"] = chance.choice([max(listed), card["missing"] - 40])
    return f"bin {name} missing" if "bins" in card else f"value {name} missing"


def attribute_scored_no_more(policy: PolicyDict, chance: Chance) -> str | None:
    name, card = _scored(policy, chance, "missing")
    if not card:
        return None
    del policy["scorecard"]["attributes"][name]
    return f"bin {name} *" if "bins" in card else f"value {name}*"


def attribute_allowed(policy: PolicyDict, chance: Chance) -> str | None:
    numbers = [name for name, spec in policy["attributes"].items() if spec["type"] in ("integer", "number")]
    name = one_of(numbers, chance)
    if not name:
        return None
    spec = policy["attributes"][name]
    spec["allowed"] = chance.choice([[0, 1], [1, 10**9]]) if spec["type"] == "integer" else [0.0, 0.75]
    return f"attribute {name} allowed"


def attribute_age(policy: PolicyDict, chance: Chance) -> str | None:
    name = one_of([name for name, spec in policy["attributes"].items() if "max_age_days" in spec], chance)
    if not name:
        return None
    spec = policy["attributes"][name]
    if chance.random() < 0.3:
        del spec["observed_on"], spec["max_age_days"]
    else:
        spec["max_age_days"] = 0 if spec["max_age_days"] else 9999
    return f"attribute {name} max_age_days"


def attribute_dated_by_another_column(policy: PolicyDict, chance: Chance) -> str | None:
    dating = sorted({spec["observed_on"] for spec in policy["attributes"].values() if "observed_on" in spec})
    name = one_of([name for name, spec in policy["attributes"].items() if "observed_on" in spec], chance)
    if not name or len(dating) < 2:
        return None
    spec = policy["attributes"][name]
    spec["observed_on"] = chance.choice([each for each in dating if each not in (spec["observed_on"], name)] or dating)
    return f"attribute {name} observed_on"
