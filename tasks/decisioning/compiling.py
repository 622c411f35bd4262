"""From the shape of a policy file to rules that judge: every part parsed, typed and held against the others.

`compile_rules` is the only way there; it finds every problem, not just the first. It needs no table library, so that
an editor can call it on every key stroke.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from schemas.policy import (
    Attribute,
    Campaign,
    Cause,
    Exclusion,
    Freeze,
    InForce,
    Place,
    Policy,
    Problem,
    ScorecardAttribute,
)
from schemas.vocabulary import (
    CORE_ALLOWED,
    CORE_COLUMNS,
    EXPRESSION_NAMES,
    PROBATION_CRITERION,
    UNPARSABLE,
    WHOLE_NUMBER_LIMIT,
    AttributeType,
)
from tasks.decisioning.expressions import (
    WORDS,
    ExpressionError,
    did_you_mean,
    parse_amount,
    parse_question,
    unallowed_values,
)
from tasks.decisioning.rules import AppealRules, CampaignRules, Question, Rules, Scored, closed_values
from tasks.decisioning.tree import NUMERIC, Node, Variable, names_in

PARTS_MAX = 200
"""How many criteria, exclusions, freezes, campaigns, caps or scorecard attributes one policy may have."""


class PolicyError(Exception):
    """A policy that cannot judge; `problems` says all that is wrong and where."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


def compile_rules(policy: Policy) -> Rules:
    """Check `policy` as a whole and make it ready to judge.

    Raises:
        PolicyError: with every problem found, each at its place in the file.
    """
    checker = _Checker(policy)
    rules = checker.rules()
    if checker.problems:
        raise PolicyError(checker.problems)
    return rules


def declared_names(policy: Policy) -> dict[str, Variable]:
    """Every name that an expression of `policy` may use: core columns, counts of the ledger and its attributes."""
    names = {name: Variable(kind, CORE_ALLOWED.get(name)) for name, kind in EXPRESSION_NAMES.items()}
    for name, attribute in policy.attributes.items():
        closed = attribute.type is AttributeType.CATEGORY and attribute.allowed is not None
        allowed = tuple(str(value) for value in attribute.allowed or ()) if closed else None
        names[name] = Variable(attribute.type, allowed)
    return names


class _Checker:
    """Collects problems while it compiles; parts that fail are left out of the rules, which are then never used."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.problems: list[Problem] = []
        self.used: set[str] = set()
        self.names = declared_names(policy)

    def say(self, message: str, *place: str | int) -> None:
        self.problems.append(Problem(place, message))

    def rules(self) -> Rules:
        policy = self.policy
        self._sizes()
        self._dates()
        self._attributes()
        compiled = Rules(
            policy=policy,
            names=self.names,
            exclusions=tuple(each for each in self._questions("exclusions", policy.exclusions) if each),
            freezes=tuple(
                (freeze, question)
                for freeze, question in zip(policy.freezes, self._questions("freezes", policy.freezes), strict=True)
                if question
            ),
            criteria=self._criteria(),
            causes=policy.causes,
            scorecard=tuple(self._scorecard()),
            appeal=self._appeal(),
            campaigns=tuple(self._campaigns()),
            caps=tuple(self._caps()),
            reclose=self._probation(),
        )
        self._causes(compiled)
        self._limit()
        self._unused()
        return compiled

    def _question(self, text: str, *place: str | int) -> Node | None:
        return self._expression(parse_question, text, place)

    def _expression(self, parse: Callable[..., Node], text: str, place: Place) -> Node | None:
        try:
            node = parse(text, self.names)
        except ExpressionError as error:
            self.say(str(error), *place)
            self.used |= _meant(re.findall(r"[A-Za-z_]\w*", text), self.names)
            return None
        self.used |= names_in(node)
        for column, message in unallowed_values(node, self.names):
            self.say(f"{message} (at character {column})", *place)
        return node

    def _questions(self, section: str, parts: Iterable[Exclusion]) -> Iterator[Question | None]:
        self._repeated(section, [part.id for part in parts], section, key="id")
        for position, part in enumerate(parts):
            node = self._question(part.when, section, position, "when")
            yield Question(part.id, node, part.reason) if node else None

    def _repeated(self, section: str, ids: list[str], *place: str | int, key: str = "") -> None:
        for position, name in enumerate(ids):
            if ids.index(name) < position:
                at = (*place, position, key) if key else (*place, position)
                self.say(f"'{name}' stands twice in {section}; every id names one thing", *at)

    def _sizes(self) -> None:
        policy = self.policy
        sizes = {
            ("exclusions",): policy.exclusions,
            ("freezes",): policy.freezes,
            ("criteria",): policy.criteria,
            ("causes",): policy.causes,
            ("campaigns",): policy.campaigns,
            ("scorecard", "attributes"): policy.scorecard.attributes,
            ("limit", "caps"): policy.limit.caps,
        }
        for place, parts in sizes.items():
            if len(parts) > PARTS_MAX:
                self.say(f"found {len(parts)} {place[-1]}; a policy has at most {PARTS_MAX} of them", *place)

    def _dates(self) -> None:
        policy = self.policy
        spans: list[tuple[Place, InForce | Freeze | Campaign]] = [(("in_force",), policy.in_force)]
        spans += [(("freezes", place), freeze) for place, freeze in enumerate(policy.freezes)]
        spans += [(("campaigns", place), campaign) for place, campaign in enumerate(policy.campaigns)]
        for place, part in spans:
            if part.until is not None and part.until <= part.from_:
                self.say(f"ends on {part.until}, not after it starts on {part.from_}", *place, "until")

    def _attributes(self) -> None:
        taken = {"account_id", "business_date", UNPARSABLE, *CORE_COLUMNS, *WORDS}
        for name, attribute in self.policy.attributes.items():
            place = ("attributes", name)
            if name in taken or name.startswith("ledger_"):
                self.say(f"'{name}' is a word of the program; give the attribute another name", *place)
            if (attribute.observed_on is None) != (attribute.max_age_days is None):
                self.say("observed_on and max_age_days stand together or not at all", *place)
            if attribute.observed_on in taken or str(attribute.observed_on).startswith("ledger_"):
                self.say(f"'{attribute.observed_on}' is a word of the program, not a column that dates", *place)
            dating = self.policy.attributes.get(attribute.observed_on or "")
            if dating is not None and dating.type is not AttributeType.DATE:
                self.say(f"observed_on names '{attribute.observed_on}', which is not a date", *place, "observed_on")
            self._allowed(attribute, *place, "allowed")

    def _allowed(self, attribute: Attribute, *place: str | int) -> None:
        allowed = attribute.allowed
        if allowed is None:
            return
        if attribute.type in NUMERIC:
            kinds = int if attribute.type is AttributeType.INTEGER else (int, float)
            right = len(allowed) == 2 and all(isinstance(each, kinds) for each in allowed)  # noqa: PLR2004
            if not right or allowed[0] > allowed[1]:  # type: ignore[operator]
                self.say("for numbers allowed is a range [least, greatest] of the attribute's type", *place)
            elif max(abs(each) for each in allowed) > WHOLE_NUMBER_LIMIT and kinds is int:  # type: ignore[arg-type]
                self.say("whole numbers are at most 10^13 in size", *place)
        elif attribute.type is AttributeType.CATEGORY:
            if not allowed or not all(isinstance(each, str) for each in allowed) or len(set(allowed)) < len(allowed):
                self.say(
                    "for a category allowed is a list of different texts, quoted where they look like numbers", *place
                )
        else:
            self.say(f"a {attribute.type} has no allowed values to list", *place)

    def _criteria(self) -> dict[str, Question]:
        compiled = {}
        for name, criterion in self.policy.criteria.items():
            if name == PROBATION_CRITERION:
                self.say(
                    f"'{PROBATION_CRITERION}' is a word of the program; give the criterion another id", "criteria", name
                )
            node = self._question(criterion.require, "criteria", name, "require")
            if node:
                compiled[name] = Question(name, node, criterion.reason)
        return compiled

    def _appeal(self) -> AppealRules | None:
        shape = self.policy.appeal
        if shape is None:
            return None
        upheld = self._question(shape.upheld_when, "appeal", "upheld_when")
        pending = self._question(shape.pending_when, "appeal", "pending_when")
        refused = self._question(shape.refused_when, "appeal", "refused_when")
        return AppealRules(upheld, pending, refused, shape.limit_bp) if upheld and pending and refused else None

    def _probation(self) -> Question | None:
        shape = self.policy.probation
        node = shape and self._question(shape.reclose_when, "probation", "reclose_when")
        return Question(PROBATION_CRITERION, node, shape.reason) if shape and node else None

    def _caps(self) -> Iterator[tuple[str, Node]]:
        self._repeated("caps", [cap.id for cap in self.policy.limit.caps], "limit", "caps", key="id")
        for position, cap in enumerate(self.policy.limit.caps):
            node = self._expression(parse_amount, cap.at_most, ("limit", "caps", position, "at_most"))
            if node:
                yield cap.id, node

    def _scorecard(self) -> Iterator[Scored]:
        for name, shape in self.policy.scorecard.attributes.items():
            place = ("scorecard", "attributes", name)
            attribute = self.policy.attributes.get(name)
            if attribute is None:
                self.say(f"'{name}' is not declared{did_you_mean(name, self.policy.attributes)}", *place)
                continue
            self.used.add(name)
            before = len(self.problems)
            if (shape.bins is None) == (shape.values is None):
                self.say("an attribute of a scorecard has bins or values, one of the two", *place)
            elif attribute.type is AttributeType.DATE:
                self.say(
                    "a date gives no points: let the snapshot count the days since, and score that number, or ask "
                    f"days_since({name}) in a criterion",
                    *place,
                )
            elif shape.bins is not None:
                self._bins(shape, attribute, *place)
            else:
                self._scored_values(shape, attribute, *place)
            broken = any(problem.place[:3] == ("attributes", name, "allowed") for problem in self.problems)
            if len(self.problems) > before or broken:
                continue
            scored = Scored(name, shape, attribute)
            if shape.missing > scored.best_listed:
                self.say(
                    f"missing gives {shape.missing} points, more than the best known value ({scored.best_listed})",
                    *place,
                    "missing",
                )
            yield scored

    def _bins(self, shape: ScorecardAttribute, attribute: Attribute, *place: str | int) -> None:
        bins = shape.bins or ()
        if attribute.type not in NUMERIC:
            self.say(f"bins are for numbers, this is {_one(attribute.type)}: use values", *place, "bins")
        if shape.other is not None:
            self.say("other goes with values; the last bin takes what is left", *place, "other")
        if bins[-1].below is not None:
            self.say("the last bin has no below, so that every value has its points", *place, "bins", len(bins) - 1)
        edges = [each.below for each in bins[:-1]]
        for position, edge in enumerate(edges):
            if edge is None:
                self.say("only the last bin has no below", *place, "bins", position)
        known = [(position, edge) for position, edge in enumerate(edges) if edge is not None]
        for (_, low), (position, high) in pairwise(known):
            if high <= low:
                self.say(f"bins must rise: below {high} follows below {low}", *place, "bins", position)

    def _scored_values(self, shape: ScorecardAttribute, attribute: Attribute, *place: str | int) -> None:
        values = shape.values or {}
        if attribute.type not in (AttributeType.CATEGORY, AttributeType.BOOLEAN):
            self.say(
                f"values are for categories and booleans, this is {_one(attribute.type)}: use bins", *place, "values"
            )
            return
        allowed = closed_values(attribute)
        wanted: type = bool if attribute.type is AttributeType.BOOLEAN else str
        for value in values:
            if not isinstance(value, wanted) or (allowed is not None and value not in allowed):
                self.say(
                    f"'{value}' is not a value that the attribute allows{_value_hint(value, allowed)}",
                    *place,
                    "values",
                    value,
                )
        if shape.other is None and (allowed is None or set(allowed) - set(values)):
            self.say("other is needed unless every allowed value is listed", *place)

    def _causes(self, compiled: Rules) -> None:
        complete = len(compiled.scorecard) == len(self.policy.scorecard.attributes)
        best = self.policy.scorecard.base_points + sum(scored.best for scored in compiled.scorecard)
        for name, cause in self.policy.causes.items():
            place = ("causes", name)
            self._repeated("criteria", list(cause.criteria), *place, "criteria")
            for position, criterion in enumerate(cause.criteria):
                if criterion not in self.policy.criteria:
                    hint = did_you_mean(criterion, self.policy.criteria)
                    self.say(f"'{criterion}' is not a criterion{hint}", *place, "criteria", position)
            low, high = cause.keep_open_score_min, cause.score_min
            if (low is None) != (high is None):
                self.say("score_min and keep_open_score_min are both set or both null", *place)
            elif low is not None and high is not None and low >= high:
                self.say(
                    f"keep_open_score_min {low} must be below score_min {high}, or a line would flap",
                    *place,
                    "keep_open_score_min",
                )
            if complete:
                self._reachable(high, best, *place, "score_min")
        for position, campaign in enumerate(self.policy.campaigns if complete else ()):
            self._reachable(campaign.score_min, best, "campaigns", position, "score_min")

    def _reachable(self, score_min: int | None, best: int, *place: str | int) -> None:
        if score_min is not None and score_min > best:
            self.say(f"no line could reach {score_min}: the best score of this scorecard is {best}", *place)

    def _campaigns(self) -> Iterator[CampaignRules]:
        campaigns = self.policy.campaigns
        self._repeated("campaigns", [campaign.code for campaign in campaigns], "campaigns", key="code")
        for position, campaign in enumerate(campaigns):
            place = ("campaigns", position)
            asked: set[str] = set()
            for number, cause in enumerate(campaign.causes):
                if cause not in self.policy.causes:
                    hint = did_you_mean(cause, self.policy.causes)
                    self.say(f"'{cause}' is not a cause{hint}", *place, "causes", number)
                else:
                    asked |= self._asked(self.policy.causes[cause])
            for number, waived in enumerate(campaign.waives):
                if waived not in asked:
                    hint = did_you_mean(waived, sorted(asked))
                    self.say(f"waives '{waived}', which its causes do not ask{hint}", *place, "waives", number)
            node = self._question(campaign.when, *place, "when")
            if node:
                yield CampaignRules(campaign, node)

    def _asked(self, cause: Cause) -> set[str]:
        """The criteria that a cause asks, and those that it means where it misspells one."""
        return _meant(cause.criteria, self.policy.criteria)

    def _limit(self) -> None:
        limit = self.policy.limit
        for position, (high, low) in enumerate(pairwise(limit.bands), 1):
            if low.score_at_least >= high.score_at_least:
                message = f"bands must fall: {low.score_at_least} follows {high.score_at_least}"
                self.say(message, "limit", "bands", position)
        if limit.no_score_bp is None and any(cause.score_min is None for cause in self.policy.causes.values()):
            self.say("no_score_bp is needed: a cause has no score_min", "limit")
        if limit.floor_cents > limit.ceiling_cents:
            self.say(f"floor_cents {limit.floor_cents} is above ceiling_cents {limit.ceiling_cents}", "limit")
        budget = self.policy.nightly_budget
        if budget is not None and limit.ceiling_cents > budget.limit_cents:
            self.say(
                f"ceiling_cents {limit.ceiling_cents} is above the whole nightly budget of {budget.limit_cents}",
                "limit",
                "ceiling_cents",
            )

    def _unused(self) -> None:
        asked = {criterion for cause in self.policy.causes.values() for criterion in self._asked(cause)}
        for name in self.policy.criteria:
            if name not in asked:
                self.say("no cause asks this criterion", "criteria", name)
        attributes, used = self.policy.attributes, set(self.used)
        while dating := {attributes[name].observed_on for name in used & set(attributes)} - used - {None}:
            used |= {name for name in dating if name}
        for name in attributes:
            if name not in used:
                self.say("no expression and no scorecard reads this attribute", "attributes", name)


def _meant(words: Iterable[str], known: Iterable[str]) -> set[str]:
    """Words that are known, and for each that is not the known one that it is close to: it is not unused, only misspelt."""
    names = list(known)
    found = {word for word in words if word in names}
    for word in set(words) - found:
        found |= set(difflib.get_close_matches(word, names, n=1))
    return found


def _value_hint(value: str | bool, allowed: Iterable[str | bool] | None) -> str:
    if value in ("true", "false") and set(allowed or ()) == {False, True}:
        return "; write it without quotes"
    return did_you_mean(str(value), [str(each).lower() if isinstance(each, bool) else each for each in allowed or ()])


def _one(kind: AttributeType) -> str:
    return f"an {kind}" if kind is AttributeType.INTEGER else f"a {kind}"
