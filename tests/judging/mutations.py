"""Changes of one thing in a policy, each with the name under which that thing may be said to have moved a line."""

import random
import re
from collections.abc import Callable
from typing import Any

from tests.factories import NIGHT, PolicyDict, days_ago

Chance = random.Random
Mutation = Callable[[PolicyDict, Chance], str | None]
"""Changes a policy in place and gives the name of what it changed, which ends in `*` where any ending will do.

None where the policy has no such thing; an empty name for what decides nothing.
"""


def _turned(question: str, chance: Chance) -> str:
    """Another question: one of its numbers moved, or the whole turned, widened or narrowed."""
    numbers = list(re.finditer(r"(?<![\w.-])\d+(?![\w.-])", question))
    if numbers and chance.random() < 0.6:
        found = chance.choice(numbers)
        return question[: found.start()] + str(int(found[0]) + chance.choice([1, 2, 30])) + question[found.end() :]
    return chance.choice([f"not ({question})", f"({question}) or 1 == 1", f"({question}) and 1 == 2"])


def _one_of(parts: Any, chance: Chance) -> Any:
    return chance.choice(list(parts)) if parts else None


def criterion_asks_something_else(policy: PolicyDict, chance: Chance) -> str | None:
    if name := _one_of(policy["criteria"], chance):
        criterion = policy["criteria"][name]
        criterion["require"] = _turned(criterion["require"], chance)
    return name and f"criterion {name}"


def criterion_added(policy: PolicyDict, chance: Chance) -> str | None:
    questions = [each["require"] for each in policy["criteria"].values()] or ["1 == 1"]
    policy["criteria"]["NEW"] = {"require": _turned(chance.choice(questions), chance), "reason": "reason_a"}
    for cause in policy["causes"].values():
        cause["criteria"] = [*cause["criteria"], "NEW"]
    return "criterion NEW"


def criterion_removed(policy: PolicyDict, chance: Chance) -> str | None:
    if name := _one_of(policy["criteria"], chance):
        del policy["criteria"][name]
        for part in (*policy["causes"].values(), *policy.get("campaigns", [])):
            for key in ("criteria", "waives"):
                part |= {key: [each for each in part[key] if each != name]} if key in part else {}
    return name and f"criterion {name}"


def criterion_asked_of_fewer_causes(policy: PolicyDict, chance: Chance) -> str | None:
    cause = policy["causes"][_one_of(policy["causes"], chance)]
    name = _one_of(cause["criteria"], chance)
    cause["criteria"] = [each for each in cause["criteria"] if each != name]
    return name and f"criterion {name}"


def criteria_in_another_order(policy: PolicyDict, chance: Chance) -> str | None:
    policy["criteria"] = dict(reversed(policy["criteria"].items()))
    for cause in policy["causes"].values():
        cause["criteria"] = cause["criteria"][::-1]
    return ""


def _threshold(name: str) -> Mutation:
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
    name = _one_of(cards, chance)
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
    card["missing"] -= chance.choice([20, 40])
    return f"bin {name} missing" if "bins" in card else f"value {name} missing"


def attribute_scored_no_more(policy: PolicyDict, chance: Chance) -> str | None:
    name, card = _scored(policy, chance, "missing")
    if not card:
        return None
    del policy["scorecard"]["attributes"][name]
    return f"bin {name} *" if "bins" in card else f"value {name}*"


def _barrier(section: str, kind: str) -> tuple[Mutation, Mutation, Mutation]:
    def asks_something_else(policy: PolicyDict, chance: Chance) -> str | None:
        if part := _one_of(policy.get(section), chance):
            part["when"] = _turned(part["when"], chance)
        return part and f"{kind} {part['id']}"

    def removed(policy: PolicyDict, chance: Chance) -> str | None:
        if part := _one_of(policy.get(section), chance):
            policy[section].remove(part)
        return part and f"{kind} {part['id']}"

    def added(policy: PolicyDict, chance: Chance) -> str | None:
        question = _one_of([each["require"] for each in policy["criteria"].values()], chance)
        dates = {"from": days_ago(9999, NIGHT)} if kind == "freeze" else {}
        part = {"id": "NEW", "when": f"not ({question or '1 == 1'})", "reason": "reason_a", **dates}
        policy[section] = [part, *policy.get(section, [])]
        return f"{kind} NEW"

    return asks_something_else, removed, added


def freeze_dates(policy: PolicyDict, chance: Chance) -> str | None:
    if part := _one_of(policy.get("freezes"), chance):
        part |= chance.choice([{"until": days_ago(4000)}, {"until": None, "from": days_ago(4000)}])
    return part and f"freeze {part['id']}"


def appeal(policy: PolicyDict, chance: Chance) -> str | None:
    if "appeal" not in policy:
        return None
    section = policy["appeal"]
    key = chance.choice(["upheld_when", "pending_when", "limit_bp", "all"])
    if key == "all":
        del policy["appeal"]
    else:
        section[key] = 3_000 if key == "limit_bp" else _turned(section[key], chance)
    return "section appeal"


def _campaign(policy: PolicyDict, chance: Chance) -> dict[str, Any] | None:
    return _one_of(policy.get("campaigns"), chance)


def campaign_part(policy: PolicyDict, chance: Chance) -> str | None:
    part = _campaign(policy, chance)
    if not part:
        return None
    other = {
        "when": _turned(part["when"], chance),
        "until": days_ago(4000),
        "causes": part["causes"][1:] or list(policy["causes"]),
        "waives": [] if part["waives"] else list(policy["criteria"]),
        "score_min": None if part["score_min"] is not None else 10**6,
        "valid_days": part["valid_days"] + 5,
        "limit_bp": part["limit_bp"] // 3,
        "limit_max_cents": 150_000,
    }
    key = chance.choice(list(other))
    part[key] = other[key]
    if key == "until":
        part["from"] = days_ago(5000)
    return f"campaign {part['code']}"


def campaign_removed(policy: PolicyDict, chance: Chance) -> str | None:
    if part := _campaign(policy, chance):
        policy["campaigns"].remove(part)
    return part and f"campaign {part['code']}"


def campaigns_in_another_order(policy: PolicyDict, chance: Chance) -> str | None:
    if len(policy.get("campaigns", [])) < 2:
        return None
    policy["campaigns"].reverse()
    return "section campaigns"


def confirm_nights(policy: PolicyDict, chance: Chance) -> str | None:
    policy["confirm_nights"] = 1 if policy.get("confirm_nights", 1) > 1 else 3
    return "threshold confirm_nights"


def limit(policy: PolicyDict, chance: Chance) -> str | None:
    section = policy["limit"]
    other = {
        "bands": chance.choice([[{"score_at_least": -10_000, "limit_bp": 4_000}], []]),
        "no_score_bp": 2_500,
        "floor_cents": section["floor_cents"] + 350_000,
        "ceiling_cents": 390_000,
        "round_down_to_cents": 70_000,
    }
    key = chance.choice(list(other))
    section[key] = other[key]
    return "section limit"


def cap(policy: PolicyDict, chance: Chance) -> str | None:
    caps = policy["limit"]["caps"]
    if not caps or chance.random() < 0.3:
        caps.append({"id": "CAP_NEW", "at_most": "balance_cents + 300000"})
        return "cap CAP_NEW"
    part = chance.choice(caps)
    if chance.random() < 0.5:
        caps.remove(part)
    else:
        part["at_most"] = f"({part['at_most']}) / 2"
    return f"cap {part['id']}"


def budget(policy: PolicyDict, chance: Chance) -> str | None:
    if "nightly_budget" in policy and chance.random() < 0.3:
        del policy["nightly_budget"]
    elif "nightly_budget" in policy:
        policy["nightly_budget"]["lines"] = chance.choice([0, 1, 2, 3, 1000])
    else:
        policy["nightly_budget"] = {"lines": 1, "limit_cents": 10**14}
    return "section nightly_budget"


def probation(policy: PolicyDict, chance: Chance) -> str | None:
    if "probation" not in policy:
        return None
    section = policy["probation"]
    match chance.choice(["days", "when", "all"]):
        case "days":
            section["days"] = 0 if section["days"] else 200
        case "when":
            section["reclose_when"] = _turned(section["reclose_when"], chance)
        case _:
            del policy["probation"]
    return "section probation"


def attribute_allowed(policy: PolicyDict, chance: Chance) -> str | None:
    numbers = [name for name, spec in policy["attributes"].items() if spec["type"] in ("integer", "number")]
    name = _one_of(numbers, chance)
    if not name:
        return None
    spec = policy["attributes"][name]
    spec["allowed"] = chance.choice([[0, 1], [1, 10**9]]) if spec["type"] == "integer" else [0.0, 0.75]
    return f"attribute {name} allowed"


def attribute_age(policy: PolicyDict, chance: Chance) -> str | None:
    name = _one_of([name for name, spec in policy["attributes"].items() if "max_age_days" in spec], chance)
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
    name = _one_of([name for name, spec in policy["attributes"].items() if "observed_on" in spec], chance)
    if not name or len(dating) < 2:
        return None
    spec = policy["attributes"][name]
    spec["observed_on"] = chance.choice([each for each in dating if each not in (spec["observed_on"], name)] or dating)
    return f"attribute {name} observed_on"


def cause_covered_no_more(policy: PolicyDict, chance: Chance) -> str | None:
    held = {name for campaign in policy.get("campaigns", []) for name in campaign["causes"]}
    name = _one_of([name for name in policy["causes"] if name not in held], chance)
    if name:
        del policy["causes"][name]
    return name and f"cause {name}"


_EXCLUSION = _barrier("exclusions", "exclusion")
_FREEZE = _barrier("freezes", "freeze")
MUTATIONS: dict[str, Mutation] = {
    "a criterion asks something else": criterion_asks_something_else,
    "a criterion is added": criterion_added,
    "a criterion is removed": criterion_removed,
    "a criterion is asked of fewer causes": criterion_asked_of_fewer_causes,
    "criteria stand in another order": criteria_in_another_order,
    "score_min": _threshold("score_min"),
    "a score is asked, or none": score_min_null,
    "keep_open_score_min": _threshold("keep_open_score_min"),
    "base points": base_points,
    "the points of a bin": bin_points,
    "the edge of a bin": bin_edge,
    "a bin is removed": bin_removed,
    "the points of a value": value_points,
    "the points of what is missing": points_of_what_is_missing,
    "an attribute is scored no more": attribute_scored_no_more,
    "an exclusion asks something else": _EXCLUSION[0],
    "an exclusion is removed": _EXCLUSION[1],
    "an exclusion is added": _EXCLUSION[2],
    "a freeze asks something else": _FREEZE[0],
    "a freeze is removed": _FREEZE[1],
    "a freeze is added": _FREEZE[2],
    "the dates of a freeze": freeze_dates,
    "an appeal": appeal,
    "a part of a campaign": campaign_part,
    "a campaign is removed": campaign_removed,
    "campaigns stand in another order": campaigns_in_another_order,
    "nights of confirmation": confirm_nights,
    "limits": limit,
    "a cap": cap,
    "the night's budget": budget,
    "probation": probation,
    "what an attribute may be": attribute_allowed,
    "how old an attribute may be": attribute_age,
    "what dates an attribute": attribute_dated_by_another_column,
    "a cause is covered no more": cause_covered_no_more,
}
