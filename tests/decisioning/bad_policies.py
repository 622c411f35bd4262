"""Bad policies: one for every way in which a policy can be wrong, what is said of it, and where.

Each is the small policy with some changes, as dotted paths: `LEFT_OUT` removes what stands there, `+` adds to a list.
`REFUSED` holds parts that contradict each other, `ILL_SHAPED` parts that have the wrong shape.
"""

import copy
import datetime
from typing import Any

from schemas.policy import Place
from tasks.decisioning.compiling import PARTS_MAX
from tests.factories import LEFT_OUT, NIGHT, PolicyDict, policy_dict

Changes = dict[str, Any]


def edited(changes: Changes) -> PolicyDict:
    """The small policy with `changes`."""
    policy = policy_dict()
    for path, value in changes.items():
        *ways, last = path.split(".")
        part: Any = policy
        for way in ways:
            part = part[int(way) if way.isdigit() else way]
        if last == "+":
            part.append(value)
        elif value is LEFT_OUT:
            del part[last]
        else:
            part[int(last) if last.isdigit() else last] = copy.deepcopy(value)
    return policy


EXPRESSION_ERROR = "'dais_past_due' is not declared; did you mean 'days_past_due'? (at character 1)"
MISSPELT = "dais_past_due > 3"
STREAK = "scorecard.attributes.on_time_streak_months"
STREAK_PLACE = ("scorecard", "attributes", "on_time_streak_months")
JOB = "scorecard.attributes.employment"
JOB_PLACE = ("scorecard", "attributes", "employment")
FREEZE = {"id": "FZ_MORE", "when": "deceased", "reason": "x", "from": NIGHT}

REFUSED: dict[str, tuple[Changes, Place, str]] = {
    # Expressions, wherever one stands
    "an exclusion that does not parse": ({"exclusions.0.when": MISSPELT}, ("exclusions", 0, "when"), EXPRESSION_ERROR),
    "a freeze that does not parse": ({"freezes.0.when": MISSPELT}, ("freezes", 0, "when"), EXPRESSION_ERROR),
    "a criterion that does not parse": (
        {"criteria.CURRENT.require": MISSPELT}, ("criteria", "CURRENT", "require"), EXPRESSION_ERROR),
    "upheld_when that does not parse": (
        {"appeal.upheld_when": MISSPELT}, ("appeal", "upheld_when"), EXPRESSION_ERROR),
    "pending_when that does not parse": (
        {"appeal.pending_when": MISSPELT}, ("appeal", "pending_when"), EXPRESSION_ERROR),
    "refused_when that does not parse": (
        {"appeal.refused_when": MISSPELT}, ("appeal", "refused_when"), EXPRESSION_ERROR),
    "a campaign that does not parse": ({"campaigns.0.when": MISSPELT}, ("campaigns", 0, "when"), EXPRESSION_ERROR),
    "reclose_when that does not parse": (
        {"probation.reclose_when": MISSPELT}, ("probation", "reclose_when"), EXPRESSION_ERROR),
    "a cap that does not parse": (
        {"limit.caps.0.at_most": "monthly_income * 3"}, ("limit", "caps", 0, "at_most"),
        "'monthly_income' is not declared; did you mean 'monthly_income_cents'? (at character 1)"),
    "a criterion that is a number": (
        {"criteria.CURRENT.require": "days_past_due"}, ("criteria", "CURRENT", "require"),
        "expected a question that answers yes or no, found a whole number; compare it with something (at character 1)"),
    "a cap that is a question": (
        {"limit.caps.0.at_most": "monthly_income_cents > 3"}, ("limit", "caps", 0, "at_most"),
        "expected a number, found a yes-or-no answer (at character 1)"),
    "a quoted value that its category does not allow": (
        {"exclusions.0.when": 'deceased or employment == "ful_time"'}, ("exclusions", 0, "when"),
        "'employment' does not allow \"ful_time\"; did you mean 'full_time'? (at character 13)"),
    "a quoted value that a core column with a closed list does not allow": (
        {"exclusions.0.when": 'deceased or closure_initiator == "custmer"'}, ("exclusions", 0, "when"),
        "'closure_initiator' does not allow \"custmer\"; did you mean 'customer'? (at character 13)"),
    # Dates
    "a version that ends before it starts": (
        {"in_force.until": datetime.date(2026, 9, 1)}, ("in_force", "until"),
        "ends on 2026-09-01, not after it starts on 2026-10-01"),
    "a version that ends on the day it starts": (
        {"in_force.until": datetime.date(2026, 10, 1)}, ("in_force", "until"), "ends on 2026-10-01, not after"),
    "a freeze that ends before it starts": (
        {"freezes.0.until": datetime.date(2026, 9, 1)}, ("freezes", 0, "until"),
        "ends on 2026-09-01, not after it starts on 2026-10-01"),
    "a campaign that ends before it starts": (
        {"campaigns.0.until": datetime.date(2026, 9, 1)}, ("campaigns", 0, "until"),
        "ends on 2026-09-01, not after it starts on 2026-10-01"),
    # Attributes
    "an attribute named like a core column": (
        {"attributes.closed_on": {"type": "date"}}, ("attributes", "closed_on"),
        "'closed_on' is a word of the program; give the attribute another name"),
    "an attribute named like a word of the language": (
        {"attributes.missing": {"type": "boolean"}}, ("attributes", "missing"),
        "'missing' is a word of the program; give the attribute another name"),
    "an attribute named like the mark of cells that do not parse": (
        {"attributes.unparsable": {"type": "boolean"}}, ("attributes", "unparsable"),
        "'unparsable' is a word of the program; give the attribute another name"),
    "an attribute named like a ledger column": (
        {"attributes.ledger_nights": {"type": "integer"}}, ("attributes", "ledger_nights"),
        "'ledger_nights' is a word of the program; give the attribute another name"),
    "observed_on without max_age_days": (
        {"attributes.employment.observed_on": "seen_on"}, ("attributes", "employment"),
        "observed_on and max_age_days stand together or not at all"),
    "max_age_days without observed_on": (
        {"attributes.employment.max_age_days": 3}, ("attributes", "employment"),
        "observed_on and max_age_days stand together or not at all"),
    "an attribute dated by a core column": (
        {"attributes.monthly_income_cents.observed_on": "closed_on"}, ("attributes", "monthly_income_cents"),
        "'closed_on' is a word of the program, not a column that dates"),
    "an attribute dated by something that is no date": (
        {"attributes.monthly_income_cents.observed_on": "days_past_due"},
        ("attributes", "monthly_income_cents", "observed_on"),
        "observed_on names 'days_past_due', which is not a date"),
    "a range that is no range": (
        {"attributes.days_past_due.allowed": [0, 5, 9]}, ("attributes", "days_past_due", "allowed"),
        "for numbers allowed is a range [least, greatest] of the attribute's type"),
    "a range upside down": (
        {"attributes.days_past_due.allowed": [9, 0]}, ("attributes", "days_past_due", "allowed"),
        "for numbers allowed is a range [least, greatest] of the attribute's type"),
    "a range of doubles for whole numbers": (
        {"attributes.days_past_due.allowed": [0, 9.5]}, ("attributes", "days_past_due", "allowed"),
        "for numbers allowed is a range [least, greatest] of the attribute's type"),
    "a range of texts": (
        {"attributes.utilisation_ratio.allowed": ["low", "high"]}, ("attributes", "utilisation_ratio", "allowed"),
        "for numbers allowed is a range [least, greatest] of the attribute's type"),
    "a range beyond the largest whole number": (
        {"attributes.days_past_due.allowed": [0, 10**13 + 1]}, ("attributes", "days_past_due", "allowed"),
        "whole numbers are at most 10^13 in size"),
    "a category that allows numbers": (
        {"attributes.employment.allowed": ["full_time", "part_time", 3]}, ("attributes", "employment", "allowed"),
        "for a category allowed is a list of different texts, quoted where they look like numbers"),
    "a category that allows a value twice": (
        {"attributes.employment.allowed": ["full_time", "part_time", "full_time"]},
        ("attributes", "employment", "allowed"), "for a category allowed is a list of different texts"),
    "a category that allows nothing": (
        {"attributes.campaign_code.allowed": []}, ("attributes", "campaign_code", "allowed"),
        "for a category allowed is a list of different texts"),
    "a boolean with allowed values": (
        {"attributes.deceased.allowed": ["yes", "no"]}, ("attributes", "deceased", "allowed"),
        "a boolean has no allowed values to list"),
    "a date with allowed values": (
        {"attributes.alert_cleared_on.allowed": ["2026-01-01"]}, ("attributes", "alert_cleared_on", "allowed"),
        "a date has no allowed values to list"),
    "a date that nothing reads but its own age": (
        {"attributes.spare_on": {"type": "date", "observed_on": "spare_on", "max_age_days": 3}},
        ("attributes", "spare_on"), "no expression and no scorecard reads this attribute"),
    "a date that only dates what nothing reads": (
        {"attributes.spare_on": {"type": "date"},
         "attributes.spare": {"type": "integer", "observed_on": "spare_on", "max_age_days": 3}},
        ("attributes", "spare_on"), "no expression and no scorecard reads this attribute"),
    "an attribute that nothing reads": (
        {"attributes.spare": {"type": "integer"}}, ("attributes", "spare"),
        "no expression and no scorecard reads this attribute"),
    # Names
    "an exclusion twice": (
        {"exclusions.+": {"id": "EX_DECEASED", "when": "deceased", "reason": "x"}}, ("exclusions", 1, "id"),
        "'EX_DECEASED' stands twice in exclusions; every id names one thing"),
    "a freeze twice": (
        {"freezes": [FREEZE, FREEZE]}, ("freezes", 1, "id"),
        "'FZ_MORE' stands twice in freezes; every id names one thing"),
    "a cap twice": (
        {"limit.caps.+": {"id": "CAP_INCOME", "at_most": "balance_cents"}}, ("limit", "caps", 1, "id"),
        "'CAP_INCOME' stands twice in caps; every id names one thing"),
    "a campaign twice": (
        {"campaigns": [policy_dict()["campaigns"][0]] * 2}, ("campaigns", 1, "code"),
        "'SPRING' stands twice in campaigns; every id names one thing"),
    "a criterion twice in a cause": (
        {"causes.product_operation.criteria": ["CURRENT", "CURRENT"]}, ("causes", "product_operation", "criteria", 1),
        "'CURRENT' stands twice in criteria; every id names one thing"),
    "a criterion named PROBATION": (
        {"criteria.PROBATION": {"require": "deceased", "reason": "x"}}, ("criteria", "PROBATION"),
        "'PROBATION' is a word of the program; give the criterion another id"),
    "a cause that asks for PROBATION": (
        {"causes.product_operation.criteria": ["CURRENT", "PROBATION"]}, ("causes", "product_operation", "criteria", 1),
        "'PROBATION' is not a criterion"),
    # Causes
    "a cause that asks what is not there": (
        {"causes.product_operation.criteria": ["CURENT"]}, ("causes", "product_operation", "criteria", 0),
        "'CURENT' is not a criterion; did you mean 'CURRENT'?"),
    "a criterion that nothing asks": (
        {"criteria.SPARE": {"require": "deceased", "reason": "x"}}, ("criteria", "SPARE"),
        "no cause asks this criterion"),
    "score_min without keep_open_score_min": (
        {"causes.credit_assessment.keep_open_score_min": None}, ("causes", "credit_assessment"),
        "score_min and keep_open_score_min are both set or both null"),
    "keep_open_score_min without score_min": (
        {"causes.credit_assessment.score_min": None}, ("causes", "credit_assessment"),
        "score_min and keep_open_score_min are both set or both null"),
    "keep_open_score_min at score_min": (
        {"causes.credit_assessment.keep_open_score_min": 550},
        ("causes", "credit_assessment", "keep_open_score_min"),
        "keep_open_score_min 550 must be below score_min 550, or a line would flap"),
    "a score_min that no line could reach": (
        {"causes.credit_assessment.score_min": 581}, ("causes", "credit_assessment", "score_min"),
        "no line could reach 581: the best score of this scorecard is 580"),
    "a score_min that only a value beyond allowed could reach": (
        {"attributes.on_time_streak_months.allowed": [0, 5]}, ("causes", "credit_assessment", "score_min"),
        "no line could reach 550: the best score of this scorecard is 545"),
    "a campaign's score_min that no line could reach": (
        {"campaigns.0.score_min": 600}, ("campaigns", 0, "score_min"),
        "no line could reach 600: the best score of this scorecard is 580"),
    # Scorecard
    "a scored attribute that is not declared": (
        {"scorecard.attributes.employmint": policy_dict()["scorecard"]["attributes"]["employment"]},
        ("scorecard", "attributes", "employmint"), "'employmint' is not declared; did you mean 'employment'?"),
    "neither bins nor values": (
        {f"{STREAK}.bins": LEFT_OUT}, STREAK_PLACE, "an attribute of a scorecard has bins or values, one of the two"),
    "bins and values": (
        {f"{JOB}.bins": [{"points": 3}]}, JOB_PLACE, "an attribute of a scorecard has bins or values, one of the two"),
    "bins of a category": (
        {f"{JOB}.bins": [{"points": 3}], f"{JOB}.values": LEFT_OUT, f"{JOB}.other": LEFT_OUT},
        (*JOB_PLACE, "bins"), "bins are for numbers, this is a category: use values"),
    "values of a number": (
        {f"{STREAK}.values": {"many": 3}, f"{STREAK}.bins": LEFT_OUT}, (*STREAK_PLACE, "values"),
        "values are for categories and booleans, this is an integer: use bins"),
    "points for a date": (
        {"scorecard.attributes.alert_cleared_on": {"values": {"2026-01-01": 3}, "missing": 0, "reason": "x"}},
        ("scorecard", "attributes", "alert_cleared_on"),
        "a date gives no points: let the snapshot count the days since, and score that number, or ask days_since("),
    "other beside bins": (
        {f"{STREAK}.other": 3}, (*STREAK_PLACE, "other"), "other goes with values; the last bin takes what is left"),
    "a last bin with an edge": (
        {f"{STREAK}.bins.2.below": 12}, (*STREAK_PLACE, "bins", 2),
        "the last bin has no below, so that every value has its points"),
    "an earlier bin without an edge": (
        {f"{STREAK}.bins.0.below": LEFT_OUT}, (*STREAK_PLACE, "bins", 0), "only the last bin has no below"),
    "bins that fall": (
        {f"{STREAK}.bins.1.below": 2}, (*STREAK_PLACE, "bins", 1), "bins must rise: below 2 follows below 3"),
    "bins that stand still": (
        {f"{STREAK}.bins.1.below": 3}, (*STREAK_PLACE, "bins", 1), "bins must rise: below 3 follows below 3"),
    "missing points above the best bin": (
        {f"{STREAK}.missing": 61}, (*STREAK_PLACE, "missing"),
        "missing gives 61 points, more than the best known value (60)"),
    "missing points above the best value": (
        {f"{JOB}.missing": 21}, (*JOB_PLACE, "missing"),
        "missing gives 21 points, more than the best known value (20)"),
    "points for a value that is not allowed": (
        {f"{JOB}.values": {"ful_time": 20}}, (*JOB_PLACE, "values", "ful_time"),
        "'ful_time' is not a value that the attribute allows; did you mean 'full_time'?"),
    "points for a text of a boolean": (
        {"scorecard.attributes.deceased": {"values": {"yes": 3}, "other": 0, "missing": 0, "reason": "x"}},
        ("scorecard", "attributes", "deceased", "values", "yes"), "'yes' is not a value that the attribute allows"),
    "points for a quoted boolean": (
        {"scorecard.attributes.deceased": {"values": {"true": 3}, "other": 0, "missing": 0, "reason": "x"}},
        ("scorecard", "attributes", "deceased", "values", "true"),
        "'true' is not a value that the attribute allows; write it without quotes"),
    "values without other that do not list all": (
        {f"{JOB}.other": LEFT_OUT}, JOB_PLACE, "other is needed unless every allowed value is listed"),
    "values without other where any text is allowed": (
        {f"{JOB}.other": LEFT_OUT, "attributes.employment.allowed": LEFT_OUT}, JOB_PLACE,
        "other is needed unless every allowed value is listed"),
    # Campaigns
    "a campaign for a cause that is not there": (
        {"campaigns.0.causes": ["credit_assessment", "product_operatoin"]}, ("campaigns", 0, "causes", 1),
        "'product_operatoin' is not a cause; did you mean 'product_operation'?"),
    "a campaign that waives what its causes do not ask": (
        {"campaigns.0.waives": ["QUIET_180D"]}, ("campaigns", 0, "waives", 0),
        "waives 'QUIET_180D', which its causes do not ask"),
    "a campaign that waives PROBATION": (
        {"campaigns.0.waives": ["PROBATION"]}, ("campaigns", 0, "waives", 0),
        "waives 'PROBATION', which its causes do not ask"),
    # Limits
    "bands that rise": (
        {"limit.bands.1.score_at_least": 600}, ("limit", "bands", 1), "bands must fall: 600 follows 575"),
    "bands that stand still": (
        {"limit.bands.1.score_at_least": 575}, ("limit", "bands", 1), "bands must fall: 575 follows 575"),
    "no share for causes without a score": (
        {"limit.no_score_bp": None}, ("limit",), "no_score_bp is needed: a cause has no score_min"),
    "a floor above the ceiling": (
        {"limit.floor_cents": 20_000_001}, ("limit",), "floor_cents 20000001 is above ceiling_cents 20000000"),
    "a ceiling above the whole nightly budget": (
        {"nightly_budget.limit_cents": 19_999_999}, ("limit", "ceiling_cents"),
        "ceiling_cents 20000000 is above the whole nightly budget of 19999999"),
    "more parts than anyone can oversee": (
        {"exclusions": [{"id": f"EX_{n}", "when": "deceased", "reason": "x"} for n in range(PARTS_MAX + 1)]},
        ("exclusions",), "found 201 exclusions; a policy has at most 200 of them"),
}  # fmt: skip


ILL_SHAPED: dict[str, tuple[Changes, Place]] = {
    "an unknown key": ({"limit.flor_cents": 3}, ("limit", "flor_cents")),
    "an unknown section": ({"exceptions": []}, ("exceptions",)),
    "an expression that is a YAML boolean": ({"exclusions.0.when": False}, ("exclusions", 0, "when")),
    "an expression that is a YAML number": ({"limit.caps.0.at_most": 500}, ("limit", "caps", 0, "at_most")),
    "an empty expression": ({"criteria.CURRENT.require": ""}, ("criteria", "CURRENT", "require")),
    "a freeze without from": ({"freezes.0.from": LEFT_OUT}, ("freezes", 0, "from")),
    "a campaign without an end": ({"campaigns.0.until": LEFT_OUT}, ("campaigns", 0, "until")),
    "a campaign that ends never": ({"campaigns.0.until": None}, ("campaigns", 0, "until")),
    "a date as text": ({"freezes.0.from": "2026-10-01"}, ("freezes", 0, "from")),
    "points that are no whole number": ({f"{STREAK}.missing": 2.5}, (*STREAK_PLACE, "missing")),
    "points that are a boolean": ({"scorecard.base_points": True}, ("scorecard", "base_points")),
    "money that is no whole number": ({"limit.floor_cents": 500.0}, ("limit", "floor_cents")),
    "money below zero": ({"limit.floor_cents": -1}, ("limit", "floor_cents")),
    "money beyond the largest amount": ({"limit.ceiling_cents": 10**13 + 1}, ("limit", "ceiling_cents")),
    "a number that is not finite": (
        {"attributes.utilisation_ratio.allowed": [0.0, float("inf")]}, ("attributes", "utilisation_ratio", "allowed")),
    "an edge that is not finite": ({f"{STREAK}.bins.0.below": float("nan")}, (*STREAK_PLACE, "bins", 0, "below")),
    "an unknown type": ({"attributes.deceased.type": "bool"}, ("attributes", "deceased", "type")),
    "no score_min, not even null": (
        {"causes.credit_assessment.score_min": LEFT_OUT}, ("causes", "credit_assessment", "score_min")),
    "no bins at all": ({f"{STREAK}.bins": []}, (*STREAK_PLACE, "bins")),
    "no points for missing": ({f"{STREAK}.missing": LEFT_OUT}, (*STREAK_PLACE, "missing")),
    "a campaign for no cause": ({"campaigns.0.causes": []}, ("campaigns", 0, "causes")),
    "confirmation on no night": ({"confirm_nights": 0}, ("confirm_nights",)),
    "rounding to nothing": ({"limit.round_down_to_cents": 0}, ("limit", "round_down_to_cents")),
    "a reason code with capitals": ({"criteria.CURRENT.reason": "Overdue"}, ("criteria", "CURRENT", "reason")),
    "an id with a dash": ({"exclusions.0.id": "EX-1"}, ("exclusions", 0, "id")),
}  # fmt: skip
