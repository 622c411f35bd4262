"""A slow, plain reference judge: the policy manual in executable form.

It is written from the rules of the policy manual alone and deliberately shares no code with the core, so that the
two can be held against each other on every line. It judges one row at a time, follows the calendar day by day and
takes the policy as valid. "Section" and "step" below are the manual's. In expressions True, False and None stand for
pass, fail and unknown.
"""

from __future__ import annotations

import datetime
import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

Policy = dict[str, Any]
Row = dict[str, Any]
Tree = tuple[Any, ...]

HORIZON_DAYS = 730
LARGEST_WHOLE_NUMBER = 10**13
CORE_NAMES = ("product_code", "customer_segment", "closed_limit_cents", "balance_cents",
              "closed_on", "closure_cause", "closure_initiator")  # fmt: skip
LEDGER_COUNTS = ("ledger_reopens_365d_count", "ledger_reopens_1825d_count",
                 "ledger_temporary_365d_count", "ledger_recoverable_nights_count")  # fmt: skip
COMPARISONS = {"==": operator.eq, "!=": operator.ne, "<": operator.lt,
               "<=": operator.le, ">": operator.gt, ">=": operator.ge}  # fmt: skip
ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
# A quoted string ends at the next quote of its kind: there are no escapes. A stray character is a word of its own.
WORD = re.compile(
    r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|\"[^\"]*\"|'[^']*'|[A-Za-z_]\w*|==|!=|<=|>=|[-+*/<>()\[\],]|\S"
)


# ---- Section 3: the expression language ------------------------------------------------------------------------


class Parser:
    """Section 3: recursive descent; `or`, `and`, `not`, comparison, sum, product, minus bind as in Python."""

    def __init__(self, text: str) -> None:
        self.text, self.words, self.at = text, [*WORD.findall(text), ""], 0

    def take(self) -> str:
        self.at += 1
        return self.words[self.at - 1]

    def skip(self, word: str) -> bool:
        """Take the next word if it is this one."""
        found = self.words[self.at] == word
        self.at += found
        return found

    def expect(self, word: str) -> None:
        if not self.skip(word):
            raise ValueError(f"expected {word!r}, found {self.words[self.at]!r} in {self.text!r}")

    def chain(self, part: Callable[[], Tree], *signs: str) -> Tree:
        tree = part()
        while self.words[self.at] in signs:
            tree = (self.take(), tree, part())
        return tree

    def whole(self) -> Tree:
        tree = self.either()
        self.expect("")
        return tree

    def either(self) -> Tree:
        return self.chain(lambda: self.chain(self.negation, "and"), "or")

    def negation(self) -> Tree:
        return ("not", self.negation()) if self.skip("not") else self.comparison()

    def comparison(self) -> Tree:
        left = self.sum()
        if self.words[self.at] in COMPARISONS:
            return (self.take(), left, self.sum())
        if self.skip("not"):
            self.expect("in")
            return ("not", ("in", left, self.literals()))
        return ("in", left, self.literals()) if self.skip("in") else left

    def literals(self) -> list[Any]:
        self.expect("[")
        found = [self.signed()[1]]
        while self.skip(","):
            found.append(self.signed()[1])
        self.expect("]")
        return found

    def sum(self) -> Tree:
        return self.chain(lambda: self.chain(self.signed, "*", "/"), "+", "-")

    def signed(self) -> Tree:
        if not self.skip("-"):
            return self.atom()
        tree = self.signed()
        # A minus before a whole number makes a negative whole number (`days_since(x) >= -30`), not a double.
        return ("literal", -tree[1]) if tree[0] == "literal" else ("negative", tree)

    def atom(self) -> Tree:
        word = self.take()
        if word == "(":
            tree = self.either()
            self.expect(")")
            return tree
        if word in ("days_since", "missing"):
            self.expect("(")
            tree = (word, self.take())
            self.expect(")")
            return tree
        if word in ("true", "false"):
            return ("literal", word == "true")
        if len(word) > 1 and word[0] in "\"'":
            return ("literal", word[1:-1])
        if word[:1].isdigit() or (len(word) > 1 and word[0] == "."):
            return ("literal", int(word) if word.isdigit() else float(word))
        if word.isidentifier() and word not in ("or", "and", "not", "in"):
            return ("name", word)
        raise ValueError(f"unexpected {word!r} in {self.text!r}")


@cache
def parse(text: str) -> Tree:
    """Section 3: an expression as a tree of tuples."""
    return Parser(text).whole()


def double(value: float | None) -> float | None:
    """Section 3: a double; one that is not finite is unknown."""
    try:
        return None if value is None or not math.isfinite(value) else float(value)
    except OverflowError:
        return None


def compare(sign: str, left: Any, right: Any) -> bool | None:
    """Section 3: whole numbers exactly, both as doubles if either is one, a date with a quoted ISO date."""
    if isinstance(left, datetime.date) and isinstance(right, str):
        right = datetime.date.fromisoformat(right)
    if isinstance(right, datetime.date) and isinstance(left, str):
        left = datetime.date.fromisoformat(left)
    if isinstance(left, float) or isinstance(right, float):
        left, right = double(left), double(right)
    return None if left is None or right is None else COMPARISONS[sign](left, right)


def arithmetic(sign: str, left: float | None, right: float | None) -> float | None:
    """Section 3: a double; unknown for unknown operands, a division by zero and a result that is not finite."""
    left, right = double(left), double(right)
    if left is None or right is None or (sign == "/" and right == 0):
        return None
    return double(ARITHMETIC[sign](left, right))


def evaluate(tree: Tree, values: Row, today: datetime.date) -> Any:
    """Section 3: the value of an expression on one line, None where it is unknown."""
    kind, *parts = tree
    if kind == "literal":
        return parts[0]
    if kind in ("name", "missing", "days_since"):
        value = values[parts[0]]
        if kind == "missing":
            return value is None
        return value if kind == "name" or value is None else (today - value).days
    first = evaluate(parts[0], values, today)
    if kind == "not":
        return None if first is None else not first
    if kind == "negative":
        return arithmetic("-", 0, first)
    if kind == "in":
        return None if first is None else any(compare("==", first, literal) for literal in parts[1])
    second = evaluate(parts[1], values, today)
    if kind in COMPARISONS:
        return compare(kind, first, second)
    if kind in ARITHMETIC:
        return arithmetic(kind, first, second)
    settling = kind == "or"  # one pass settles `or`, one fail settles `and`
    if settling in (first, second):
        return settling
    return None if first is None or second is None else not settling


# ---- Section 2: what a row says --------------------------------------------------------------------------------


def known(value: Any) -> Any:
    """Section 2: the value, or None if it is missing or not a finite number."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def attribute_value(row: Row, name: str, spec: dict, business_date: datetime.date) -> Any:
    """Section 2: the value of a declared attribute, None if missing, not finite or too old."""
    value = known(row.get(name))
    if value is not None and spec.get("observed_on"):
        observed_on = known(row.get(spec["observed_on"]))
        if observed_on is None or (business_date - observed_on).days > spec["max_age_days"]:
            return None
    return double(value) if spec["type"] == "number" else value


def values_of(row: Row, policy: Policy, business_date: datetime.date) -> Row:
    """Section 2: every name an expression may use, None for unknown; without a ledger its counts are 0."""
    values = {name: known(row.get(name)) for name in CORE_NAMES}
    values |= {name: known(row.get(name)) or 0 for name in LEDGER_COUNTS}
    for name, spec in policy["attributes"].items():
        values[name] = attribute_value(row, name, spec, business_date)
    return values


def up_for_judgement(row: Row, policy: Policy, business_date: datetime.date) -> str | None:
    """Section 5: closed, temporary, probation, pending_activation, or None."""
    state, since = known(row.get("ledger_state")) or "none", known(row.get("ledger_since"))
    closed, probation = row["line_status"] == "closed", policy.get("probation")
    # Only a line that is closed tonight can be closed anew; a date left over on an open line says nothing.
    if closed and not (state in ("reopened", "temporary") and row["closed_on"] <= since):
        return "closed"
    if state == "temporary":
        return "temporary"
    if closed:
        return "pending_activation"
    if state == "reopened" and probation and (business_date - since).days <= probation["days"]:
        return "probation"
    return None


# ---- Step 5: the scorecard -------------------------------------------------------------------------------------


def points_of(card: dict, value: Any) -> int:
    """Step 5: the points of one scorecard attribute."""
    if value is None:
        return card["missing"]
    if "values" in card:
        return card["values"][value] if value in card["values"] else card["other"]
    return next(bin_["points"] for bin_ in card["bins"] if bin_.get("below") is None or value < bin_["below"])


def reachable(card: dict, spec: dict) -> list[dict]:
    """Step 5: what a value within `allowed` can reach: {points, at_least, below} a bin, {points, value} a value."""
    if "values" in card:
        values = [False, True] if spec["type"] == "boolean" else sorted(spec["allowed"])
        return [{"points": points_of(card, value), "value": value} for value in values]
    whole = spec["type"] == "integer"
    lowest, highest = spec.get("allowed") or (-math.inf, math.inf)
    if whole:  # section 2 quarantines what is larger
        lowest, highest = max(lowest, -LARGEST_WHOLE_NUMBER), min(highest, LARGEST_WHOLE_NUMBER)
    found, edge = [], None
    for bin_ in card["bins"]:
        below, least = bin_.get("below"), lowest if edge is None else max(lowest, edge)
        least = math.ceil(least) if whole else least
        if least <= highest and (below is None or least < below):
            found.append({"points": bin_["points"], "at_least": edge, "below": below})
        edge = below
    return found


# ---- Section 5: one line, and what becomes of it ---------------------------------------------------------------


@dataclass
class Line:
    """One line up for judgement; a temporary one shows the ledger's closing in place of its own."""

    row: Row
    policy: Policy
    today: datetime.date
    kind: str

    def __post_init__(self) -> None:
        self.values = values_of(self.row, self.policy, self.today)
        if self.kind == "temporary":
            for name in ("cause", "closed_on", "closed_limit_cents"):
                self.values["closure_cause" if name == "cause" else name] = known(self.row[f"ledger_{name}"])
            self.values["closure_initiator"] = "issuer"
        self.cause = self.row["ledger_cause"] if self.kind == "probation" else self.values["closure_cause"]
        self.contract: dict[str, Any] | None = self.policy["causes"].get(self.cause)
        self.cards: dict[str, dict] = self.policy["scorecard"]["attributes"]
        self.points = {name: points_of(card, self.values[name]) for name, card in self.cards.items()}
        self.score: int = self.policy["scorecard"]["base_points"] + sum(self.points.values())

    def value(self, expression: str, day: datetime.date | None = None) -> Any:
        """Section 6: on another day only `days_since` moves; values, and what is unknown, stay."""
        return evaluate(parse(expression), self.values, day or self.today)

    def entries(self, section: str, answer: bool | None) -> list[dict]:
        """Steps 2 and 3: the exclusions or freezes with this answer, those that have dates only while active."""
        entries = [entry for entry in self.policy.get(section) or [] if active(entry, self.today)]
        return [entry for entry in entries if self.value(entry["when"]) is answer]

    def answer(self, name: str, day: datetime.date | None = None) -> bool | None:
        """Step 5: the answer of a criterion; PROBATION fails where `reclose_when` passes and else stands aside."""
        if name != "PROBATION":
            return self.value(self.policy["criteria"][name]["require"], day)
        probation = self.policy.get("probation")
        return not probation or self.value(probation["reclose_when"], day) is not True

    def asked(self, *answers: bool | None) -> list[str]:
        """Step 5: the criteria of the cause, PROBATION last, that have one of these answers tonight."""
        return [name for name in [*self.contract["criteria"], "PROBATION"] if self.answer(name) in answers]

    def losses(self) -> dict[str, int]:
        """Step 5: points lost per scorecard attribute, above zero only, largest first, ties in file order."""
        lost = {}
        for name, card in self.cards.items():
            best = max(place["points"] for place in reachable(card, self.policy["attributes"][name]))
            lost[name] = best - self.points[name]
        return {name: lost[name] for name in sorted(lost, key=lambda name: -lost[name]) if lost[name] > 0}

    def score_reasons(self) -> list[str]:
        return [self.cards[name]["reason"] for name in self.losses()]

    def score_gap(self) -> int:
        """Step 5: points short of `score_min`, 0 if the score is enough or none is needed."""
        needed = self.contract.get("score_min")
        return 0 if needed is None else max(0, needed - self.score)


@dataclass
class Outcome:
    """What becomes of a line: at first as if the budget had no end; `cause_reasons` are those before a campaign."""

    decision: str
    step: str
    reasons: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    recoverable: bool = False
    route: str | None = None
    limit_cents: int | None = None
    valid_until: datetime.date | None = None
    cause_reasons: list[str] = field(default_factory=list)


def active(entry: dict, today: datetime.date) -> bool:
    """Step 3: from <= date, and date < until where there is one; an exclusion has no dates and always holds."""
    start, until = entry.get("from"), entry.get("until")
    return (start is None or start <= today) and (until is None or today < until)


def column(entries: list[dict], key: str) -> list[str]:
    return [entry[key] for entry in entries]


# ---- Section 5: the steps --------------------------------------------------------------------------------------


def barrier_step(line: Line, step: str, section: str) -> Outcome | None:
    """Steps 2 and 3: keep closed for all that pass, else refer for all that are unknown."""
    passing, unknown = line.entries(section, True), line.entries(section, None)
    if passing:
        return Outcome("keep_closed", step, column(passing, "reason"))
    return Outcome("refer", step, column(unknown, "reason"), column(unknown, "id")) if unknown else None


def appeal_step(line: Line) -> Outcome | None:
    """Step 4: an upheld appeal goes to step 9, a pending one to a person; unknown is as fail."""
    appeal = line.policy.get("appeal")
    if appeal and line.value(appeal["upheld_when"]) is True:
        return limit_step(line, "appeal", appeal["limit_bp"])
    if appeal and line.value(appeal["pending_when"]) is True:
        return Outcome("refer", "appeal", ["appeal_pending"])
    return None


def cause_step(line: Line) -> Outcome | None:
    """Step 5: the contract of the cause; None for a recoverable line."""
    if line.contract is None:
        return Outcome("refer", "cause", ["cause_not_covered"])
    criteria = {**line.policy["criteria"], "PROBATION": line.policy.get("probation")}
    failed, unknown, short = line.asked(False), line.asked(None), line.score_gap() > 0
    if failed or short:
        score_reasons = line.score_reasons() if short else []
        return Outcome("keep_closed", "cause", [criteria[name]["reason"] for name in failed] + score_reasons)
    return Outcome("refer", "cause", [criteria[name]["reason"] for name in unknown], unknown) if unknown else None


def campaign_takes(line: Line, campaign: dict) -> bool:
    """Step 6: whether a campaign takes the line, its limit aside; unknown is as fail."""
    used, score_min = line.row.get("ledger_campaigns_used"), campaign.get("score_min")
    return (
        active(campaign, line.today)
        and line.cause in campaign["causes"]
        and campaign["code"] not in (used if isinstance(used, (list, tuple, set)) else [])
        and line.value(campaign["when"]) is True
        and set(line.asked(False, None)) <= set(campaign.get("waives") or [])
        and (score_min is None or line.score >= score_min)
    )


def campaign_step(line: Line, kept: Outcome) -> Outcome:
    """Step 6: the first campaign that takes a line that step 5 keeps closed, else the line as step 5 left it."""
    for campaign in line.policy.get("campaigns") or []:
        limit, _ = limit_of(line, campaign["limit_bp"], campaign.get("limit_max_cents"))
        if campaign_takes(line, campaign) and limit is not None and not below_floor(line, limit):
            until = line.today + datetime.timedelta(days=campaign["valid_days"])
            return Outcome("reopen_temporarily", "granted", route="campaign", limit_cents=limit, valid_until=until,
                           cause_reasons=kept.reasons)  # fmt: skip
    return kept


def recoverable_steps(line: Line) -> Outcome:
    """Steps 7 to 9: confirmed on enough nights in a row, the share that the score earns, the limit."""
    if line.values["ledger_recoverable_nights_count"] + 1 < line.policy.get("confirm_nights", 1):
        return Outcome("keep_closed", "confirmation", ["confirming"])
    if line.contract.get("score_min") is None:
        return limit_step(line, "reevaluation", line.policy["limit"]["no_score_bp"])
    bands = [band for band in line.policy["limit"]["bands"] if band["score_at_least"] <= line.score]
    if not bands:
        return Outcome("keep_closed", "band", ["score_below_lowest_band"])
    return limit_step(line, "reevaluation", max(bands, key=lambda band: band["score_at_least"])["limit_bp"])


def limit_of(line: Line, share_bp: int, most: int | None = None) -> tuple[int | None, list[str]]:
    """Step 9: the limit, or None and the ids of the caps that are unknown."""
    rules = line.policy["limit"]
    caps = {cap["id"]: line.value(cap["at_most"]) for cap in rules.get("caps") or []}
    unknown = [name for name, cap in caps.items() if cap is None]
    if unknown:  # an unknown cap refers the line even where another bound is below the floor
        return None, unknown
    bounds = [line.values["closed_limit_cents"] * share_bp // 10000, rules["ceiling_cents"]]
    bounds += [math.floor(cap) for cap in caps.values()] + ([] if most is None else [most])
    return min(bounds) // rules["round_down_to_cents"] * rules["round_down_to_cents"], []


def below_floor(line: Line, limit: int) -> bool:
    """Step 9: below the floor, or negative."""
    return limit < line.policy["limit"]["floor_cents"] or limit < 0


def limit_step(line: Line, route: str, share_bp: int) -> Outcome:
    """Step 9: a permanent reopening with its limit, or what stands against it."""
    limit, unknown = limit_of(line, share_bp)
    if limit is None:
        return Outcome("refer", "limit", ["limit_cap_unknown"], unknown)
    if below_floor(line, limit):
        return Outcome("keep_closed", "limit", ["limit_below_floor"])
    return Outcome("reopen", "granted", route=route, limit_cents=limit)


def before_budget(line: Line) -> Outcome:
    """Steps 1 to 9: the first step that settles the line; campaigns are for closed lines only."""
    if line.values["closure_initiator"] == "customer":
        return Outcome("keep_closed", "initiator", ["closed_at_customer_request"])
    outcome = (
        barrier_step(line, "exclusion", "exclusions")
        or barrier_step(line, "freeze", "freezes")
        or appeal_step(line)
        or cause_step(line)
    )
    if outcome is None:
        outcome = recoverable_steps(line)
        outcome.recoverable = True
    kept_by_cause = (outcome.decision, outcome.step) == ("keep_closed", "cause")
    return campaign_step(line, outcome) if kept_by_cause and line.kind == "closed" else outcome


def budget_step(night: list[tuple[Line, Outcome]], budget: dict | None) -> list[tuple[Line, Outcome]]:
    """Step 10: walk the queue of the whole night and pass over what does not fit; appeals stand outside."""
    result = [pair for pair in night if pair[1].route not in ("reevaluation", "campaign")]
    queue = [pair for pair in night if pair[1].route in ("reevaluation", "campaign")]
    queue.sort(key=lambda pair: (pair[1].route == "campaign", -pair[0].score, pair[0].row["account_id"]))
    lines = cents = 0
    for line, outcome in queue:
        fits = not budget or (lines < budget["lines"] and cents + outcome.limit_cents <= budget["limit_cents"])
        if fits:
            lines, cents = lines + 1, cents + outcome.limit_cents
        else:
            reasons = [*outcome.cause_reasons, "nightly_budget_spent"]
            outcome = Outcome("keep_closed", "budget", reasons, recoverable=outcome.recoverable)
        result.append((line, outcome))
    return result


# ---- Section 5: live lines -------------------------------------------------------------------------------------


def temporary_outcome(line: Line, outcome: Outcome) -> Outcome:
    """Section 5: a temporary line after the steps, which also said whether it is recoverable."""
    if outcome.decision == "reopen":
        return outcome
    if line.today >= line.row["ledger_valid_until"]:
        return Outcome("expire", "expiry", recoverable=outcome.recoverable)
    if outcome.decision == "keep_closed" and outcome.step in ("exclusion", "freeze"):
        return Outcome("reclose", outcome.step, outcome.reasons)
    if line.answer("PROBATION") is False:
        return Outcome("reclose", "probation", [line.policy["probation"]["reason"]])
    unknown = column(line.entries("exclusions", None), "id")
    return Outcome("keep_temporary", "temporary", [], unknown, outcome.recoverable)


def probation_outcome(line: Line) -> Outcome:
    """Section 5: a line on probation, on its own row and with the ledger's cause."""
    reasons = column(line.entries("exclusions", True), "reason")
    if line.answer("PROBATION") is False:
        reasons.append(line.policy["probation"]["reason"])
    least = (line.contract or {}).get("keep_open_score_min")
    short = least is not None and line.row.get("ledger_route") != "appeal" and line.score < least
    if reasons or short:
        return Outcome("reclose", "probation", reasons + (line.score_reasons() if short else []))
    return Outcome("keep_open", "probation", [], column(line.entries("exclusions", None), "id"))


# ---- Section 6: path to reopening ------------------------------------------------------------------------------


def score_steps(line: Line) -> list[dict] | None:
    """Section 6: the fewest actionable attributes that close the gap, None if all together do not."""
    steps, gap = [], line.score_gap()
    for name, gain in line.losses().items():
        spec = line.policy["attributes"][name]
        if gap <= 0 or not spec.get("actionable"):
            continue
        gap -= gain
        best = [place for place in reachable(line.cards[name], spec) if place["points"] == line.points[name] + gain]
        if "values" in line.cards[name]:
            steps.append({"attribute": name, "gain": gain, "values": column(best, "value")})
        else:
            steps.append({"attribute": name, "gain": gain, "at_least": best[0]["at_least"], "below": best[0]["below"]})
    return None if gap > 0 else steps


def first_day(line: Line, names: list[str], after_days: int) -> datetime.date | None:
    """Section 6: the first day up to the horizon on which all the criteria pass, only the calendar changing."""
    for days in range(after_days, HORIZON_DAYS + 1):
        day = line.today + datetime.timedelta(days=days)
        if all(line.answer(name, day) is True for name in names):
            return day
    return None


def path(line: Line, outcome: Outcome) -> dict[str, Any]:
    """Section 6: for closed lines that step 5 keeps closed and that neither a campaign nor the budget touched."""
    if line.kind != "closed" or (outcome.decision, outcome.step) != ("keep_closed", "cause"):
        return {"must_wait": [], "must_fix": [], "must_show": [],
                "score_gap": None, "score_steps": [], "earliest_on": None}  # fmt: skip
    cured = {name: first_day(line, [name], 1) for name in line.asked(False)}
    steps, must_show = score_steps(line), line.asked(None)
    # Those that pass tonight count too, PROBATION among them: the calendar may turn them.
    asked = line.asked(True) + [name for name, day in cured.items() if day]
    return {
        "must_wait": [{"criterion": name, "passes_on": day} for name, day in cured.items() if day],
        "must_fix": [name for name, day in cured.items() if not day],
        "must_show": must_show,
        "score_gap": line.score_gap(),
        "score_steps": steps,
        "earliest_on": None if steps is None else first_day(line, asked, 0),
    }


# ---- The night -------------------------------------------------------------------------------------------------


def result_of(line: Line, outcome: Outcome) -> dict[str, Any]:
    """Section 5: all that is said of one line; a code stands in its reasons once, where it first occurs."""
    words = {True: "pass", False: "fail", None: "unknown"}
    return {
        **{name: getattr(outcome, name) for name in ("decision", "step", "route", "recoverable", "unknown")},
        **{name: getattr(outcome, name) for name in ("limit_cents", "valid_until")},
        "reasons": list(dict.fromkeys(outcome.reasons)),
        "cause": line.cause,
        "score": line.score,
        "points": line.points,
        "answers": {name: words[line.answer(name)] for name in line.policy["criteria"]},
        **path(line, outcome),
    }


def judge_night(policy: Policy, rows: list[Row], business_date: datetime.date) -> dict[str, dict[str, Any]]:
    """Section 5: the decision on every line up for judgement, by account; the budget needs the whole night."""
    kinds = [(row, up_for_judgement(row, policy, business_date)) for row in rows]
    lines = [Line(row, policy, business_date, kind) for row, kind in kinds if kind not in (None, "pending_activation")]
    night = [(line, before_budget(line)) for line in lines if line.kind != "probation"]
    result = {}
    for line, outcome in budget_step(night, policy.get("nightly_budget")):
        final = temporary_outcome(line, outcome) if line.kind == "temporary" else outcome
        result[line.row["account_id"]] = result_of(line, final)
    for line in lines:
        if line.kind == "probation":
            result[line.row["account_id"]] = result_of(line, probation_outcome(line))
    return result
