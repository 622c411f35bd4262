"""Changes of one thing in a policy, each with the name under which that thing may be said to have moved a line."""

from typing import Any

from tests.factories import NIGHT, PolicyDict, days_ago
from tests.judging import score_mutations
from tests.judging.questions import Chance, Mutation, one_of, turned


def criterion_asks_something_else(policy: PolicyDict, chance: Chance) -> str | None:
    if name := one_of(policy["criteria"], chance):
        criterion = policy["criteria"][name]
        criterion["require"] = turned(criterion["require"], chance)
    return name and f"criterion {name}"


def criterion_added(policy: PolicyDict, chance: Chance) -> str | None:
    questions = [each["require"] for each in policy["criteria"].values()] or ["1 == 1"]
    policy["criteria"]["NEW"] = {"require": turned(chance.choice(questions), chance), "reason": "reason_a"}
    for cause in policy["causes"].values():
        cause["criteria"] = [*cause["criteria"], "NEW"]
    return "criterion NEW"


def criterion_removed(policy: PolicyDict, chance: Chance) -> str | None:
    if name := one_of(policy["criteria"], chance):
        del policy["criteria"][name]
        for part in (*policy["causes"].values(), *policy.get("campaigns", [])):
            for key in ("criteria", "waives"):
                part |= {key: [each for each in part[key] if each != name]} if key in part else {}
    return name and f"criterion {name}"


def criterion_asked_of_fewer_causes(policy: PolicyDict, chance: Chance) -> str | None:
    cause = policy["causes"][one_of(policy["causes"], chance)]
    name = one_of(cause["criteria"], chance)
    cause["criteria"] = [each for each in cause["criteria"] if each != name]
    return name and f"criterion {name}"


def criteria_in_another_order(policy: PolicyDict, chance: Chance) -> str | None:
    policy["criteria"] = dict(reversed(policy["criteria"].items()))
    for cause in policy["causes"].values():
        cause["criteria"] = cause["criteria"][::-1]
    return ""


def _barrier(section: str, kind: str) -> tuple[Mutation, Mutation, Mutation]:
    def asks_something_else(policy: PolicyDict, chance: Chance) -> str | None:
        if part := one_of(policy.get(section), chance):
            part["when"] = turned(part["when"], chance)
        return part and f"{kind} {part['id']}"

    def removed(policy: PolicyDict, chance: Chance) -> str | None:
        if part := one_of(policy.get(section), chance):
            policy[section].remove(part)
        return part and f"{kind} {part['id']}"

    def added(policy: PolicyDict, chance: Chance) -> str | None:
        question = one_of([each["require"] for each in policy["criteria"].values()], chance)
        dates = {"from": days_ago(9999, NIGHT)} if kind == "freeze" else {}
        part = {"id": "NEW", "when": f"not ({question or '1 == 1'})", "reason": "reason_a", **dates}
        policy[section] = [part, *policy.get(section, [])]
        return f"{kind} NEW"

    return asks_something_else, removed, added


def freeze_dates(policy: PolicyDict, chance: Chance) -> str | None:
    if part := one_of(policy.get("freezes"), chance):
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
        section[key] = 3_000 if key == "limit_bp" else turned(section[key], chance)
    return "section appeal"


def _campaign(policy: PolicyDict, chance: Chance) -> dict[str, Any] | None:
    return one_of(policy.get("campaigns"), chance)


def campaign_part(policy: PolicyDict, chance: Chance) -> str | None:
    part = _campaign(policy, chance)
    if not part:
        return None
    other = {
        "when": turned(part["when"], chance),
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
            section["reclose_when"] = turned(section["reclose_when"], chance)
        case _:
            del policy["probation"]
    return "section probation"


def cause_covered_no_more(policy: PolicyDict, chance: Chance) -> str | None:
    held = {name for campaign in policy.get("campaigns", []) for name in campaign["causes"]}
    name = one_of([name for name in policy["causes"] if name not in held], chance)
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
    "score_min": score_mutations.threshold("score_min"),
    "a score is asked, or none": score_mutations.score_min_null,
    "keep_open_score_min": score_mutations.threshold("keep_open_score_min"),
    "base points": score_mutations.base_points,
    "the points of a bin": score_mutations.bin_points,
    "the edge of a bin": score_mutations.bin_edge,
    "a bin is removed": score_mutations.bin_removed,
    "the points of a value": score_mutations.value_points,
    "the points of what is missing": score_mutations.points_of_what_is_missing,
    "an attribute is scored no more": score_mutations.attribute_scored_no_more,
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
    "what an attribute may be": score_mutations.attribute_allowed,
    "how old an attribute may be": score_mutations.attribute_age,
    "what dates an attribute": score_mutations.attribute_dated_by_another_column,
    "a cause is covered no more": cause_covered_no_more,
}
