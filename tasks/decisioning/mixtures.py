"""Policies between two policies: some of what differs as the one has it, the rest as the other.

What can differ has a name, such as `criterion CURRENT` or `section limit`; `tasks.policy_changes` lists the names of what
does. A mixture need not be a policy that loading would accept (its `score_min` may be out of reach, a criterion unused):
it only has to judge.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from schemas.policy import (
    Appeal,
    Attribute,
    Campaign,
    Cause,
    Criterion,
    Exclusion,
    Limit,
    Policy,
    Probation,
    Scorecard,
    ScorecardAttribute,
)
from schemas.vocabulary import PROBATION_CRITERION
from tasks.decisioning.compiling import declared_names
from tasks.decisioning.expressions import parse_amount, parse_question
from tasks.decisioning.pieces import Side, pieces_of, put_together
from tasks.decisioning.rules import AppealRules, CampaignRules, Question, Rules, Scored
from tasks.decisioning.tree import Variable

Named = TypeVar("Named")


@dataclass(frozen=True)
class Mixture:
    """`before`, but for the parts whose names are in `applied`, which are as `after` has them."""

    before: Policy
    after: Policy
    applied: frozenset[str]

    def policy(self) -> Policy:
        """The mixture in the shape of a policy file."""
        causes = self._causes()
        mixed = {
            "exclusions": self._listed("exclusion", lambda policy: policy.exclusions, "id"),
            "freezes": self._listed("freeze", lambda policy: policy.freezes, "id"),
            "criteria": self._criteria({each for cause in causes.values() for each in cause.criteria}),
            "causes": causes,
            "scorecard": self._scorecard(),
            "campaigns": self._campaigns(set(causes)),
            "appeal": self._of("section appeal").appeal,
            "confirm_nights": self._of("threshold confirm_nights").confirm_nights,
            "limit": self._limit(),
            "nightly_budget": self._of("section nightly_budget").nightly_budget,
            "probation": self._of("section probation").probation,
        }
        policy = self.after.model_copy(update=mixed)
        return policy.model_copy(update={"attributes": self._attributes(_words_of(policy))})

    def _side(self, name: str) -> Side:
        return 1 if name in self.applied else 0

    def _of(self, name: str) -> Policy:
        return self.after if name in self.applied else self.before

    def _listed(self, kind: str, section: Callable[[Policy], Iterable[Any]], key: str) -> tuple[Any, ...]:
        """A list of named parts, each as the side that its name chooses has it, or has it not."""
        sides = [{getattr(part, key): part for part in section(policy)} for policy in (self.before, self.after)]
        first = self._side(f"section {kind}s")
        names = in_one_order(list(sides[first]), list(sides[1 - first]))
        found = (sides[self._side(f"{kind} {name}")].get(name) for name in names)
        return tuple(part for part in found if part is not None)

    def _criteria(self, asked: set[str]) -> dict[str, Criterion]:
        mixed: dict[str, Criterion] = {}
        for name in in_one_order(list(self.before.criteria), list(self.after.criteria)):
            if name in asked:
                own = self._of(f"criterion {name}").criteria.get(name)
                mixed[name] = own or _either(self.before.criteria, self.after.criteria, name)
        return mixed

    def _causes(self) -> dict[str, Cause]:
        mixed: dict[str, Cause] = {}
        for name in in_one_order(list(self.before.causes), list(self.after.causes)):
            old, new = self.before.causes.get(name), self.after.causes.get(name)
            if old is None or new is None:
                contract = self._of(f"cause {name}").causes.get(name)
                mixed |= {} if contract is None else {name: contract}
                continue
            asked = in_one_order(list(old.criteria), list(new.criteria))
            mixed[name] = Cause(
                criteria=tuple(
                    each for each in asked if each in self._of(f"criterion {each}").causes[name].criteria
                ),
                score_min=self._of("threshold score_min").causes[name].score_min,
                keep_open_score_min=self._of("threshold keep_open_score_min").causes[name].keep_open_score_min,
            )  # fmt: skip
        return mixed

    def _scorecard(self) -> Scorecard:
        cards = self.before.scorecard.attributes, self.after.scorecard.attributes
        mixed: dict[str, ScorecardAttribute] = {}
        for name in in_one_order(list(cards[0]), list(cards[1])):
            pieces = pieces_of(name, (cards[0].get(name), cards[1].get(name)))
            sides = {piece.name: self._side(piece.name) for piece in pieces}
            if any(name in cards[side] for side in sides.values()):
                mixed[name] = put_together(pieces, sides, _either(*cards, name))
        base = self._of("scorecard base_points").scorecard.base_points
        return self.after.scorecard.model_copy(update={"base_points": base, "attributes": mixed})

    def _campaigns(self, causes: set[str]) -> tuple[Campaign, ...]:
        """Campaigns, each for those of its causes that are there; what it need not say twice it waives throughout."""
        both = [{campaign.code: campaign for campaign in policy.campaigns} for policy in (self.before, self.after)]
        mixed = []
        for own in self._listed("campaign", lambda policy: policy.campaigns, "code"):
            said = [each[own.code].waives for each in both if own.code in each]
            choice = asked_by_both(self.before, self.after, own.code)
            waives = [name for name in own.waives if name in choice]
            waives += [name for waived in said for name in waived if name not in choice]
            named = tuple(name for name in own.causes if name in causes)
            mixed.append(own.model_copy(update={"causes": named, "waives": tuple(waives)}))
        return tuple(mixed)

    def _limit(self) -> Limit:
        caps = self._listed("cap", lambda policy: policy.limit.caps, "id")
        return self._of("section limit").limit.model_copy(update={"caps": caps})

    def _attributes(self, read: set[str]) -> dict[str, Attribute]:
        """Attributes; one that its side lacks but that is `read` all the same has no bounds and no age."""
        mixed: dict[str, Attribute] = {}
        for name in in_one_order(list(self.before.attributes), list(self.after.attributes)):
            old, new = self.before.attributes.get(name), self.after.attributes.get(name)
            if old and new:
                dated = self._of(f"attribute {name} max_age_days").attributes[name]
                by = dated
                if old.observed_on and new.observed_on:
                    by = self._of(f"attribute {name} observed_on").attributes[name]
                bounds = self._of(f"attribute {name} allowed").attributes[name].allowed
                part = {"allowed": bounds, "observed_on": by.observed_on, "max_age_days": dated.max_age_days}
                mixed[name] = new.model_copy(update=part)
            elif own := self._of(f"attribute {name}").attributes.get(name):
                mixed[name] = own
            elif name in read:
                mixed[name] = Attribute(type=_either(self.before.attributes, self.after.attributes, name).type)
        return mixed


def rules_of(policy: Policy) -> Rules:
    """A mixture ready to judge: typed and laid out, but not held against what loading refuses."""
    names = declared_names(policy)

    def question(part: Exclusion) -> Question:
        return Question(part.id, parse_question(part.when, names), part.reason)

    return Rules(
        policy=policy,
        names=names,
        exclusions=tuple(question(part) for part in policy.exclusions),
        freezes=tuple((part, question(part)) for part in policy.freezes),
        criteria={
            name: Question(name, parse_question(part.require, names), part.reason)
            for name, part in policy.criteria.items()
        },
        causes=policy.causes,
        scorecard=tuple(
            Scored(name, card, policy.attributes[name]) for name, card in policy.scorecard.attributes.items()
        ),
        appeal=_appeal(policy.appeal, names),
        campaigns=tuple(CampaignRules(part, parse_question(part.when, names)) for part in policy.campaigns),
        caps=tuple((part.id, parse_amount(part.at_most, names)) for part in policy.limit.caps),
        reclose=_reclose(policy.probation, names),
    )


def _appeal(shape: Appeal | None, names: dict[str, Variable]) -> AppealRules | None:
    if shape is None:
        return None
    return AppealRules(
        upheld=parse_question(shape.upheld_when, names),
        pending=parse_question(shape.pending_when, names),
        refused=parse_question(shape.refused_when, names),
        limit_bp=shape.limit_bp,
    )


def _reclose(shape: Probation | None, names: dict[str, Variable]) -> Question | None:
    if shape is None:
        return None
    return Question(PROBATION_CRITERION, parse_question(shape.reclose_when, names), shape.reason)


def asked_by_both(before: Policy, after: Policy, code: str) -> set[str]:
    """The criteria that the causes of a campaign ask under both policies: of these alone it chooses what it waives.

    A criterion that only one policy asks can be waived there only, so that is no difference between the campaigns.
    """
    asked = [
        {name for cause in campaign.causes if cause in policy.causes for name in policy.causes[cause].criteria}
        for policy in (before, after)
        for campaign in policy.campaigns
        if campaign.code == code
    ]
    return set.intersection(*asked) if asked else set()


def in_one_order(first: list[str], second: list[str]) -> list[str]:
    """All names of both: in the order of the first, what only the second has behind what stands before it there."""
    merged = list(first)
    for place, name in enumerate(second):
        if name not in merged:
            merged.insert(merged.index(second[place - 1]) + 1 if place else 0, name)
    return merged


def _either(first: Mapping[str, Named], second: Mapping[str, Named], name: str) -> Named:
    return first[name] if name in first else second[name]


def _words_of(policy: Policy) -> set[str]:
    """Every word of a policy's expressions, and what its scorecard names."""
    texts = [
        *(part.when for part in policy.exclusions),
        *(part.when for part in policy.freezes),
        *(part.when for part in policy.campaigns),
        *(part.require for part in policy.criteria.values()),
        *(part.at_most for part in policy.limit.caps),
    ]
    if policy.appeal:
        texts += [policy.appeal.upheld_when, policy.appeal.pending_when, policy.appeal.refused_when]
    if policy.probation:
        texts.append(policy.probation.reclose_when)
    return {*policy.scorecard.attributes, *re.findall(r"[A-Za-z_]\w*", " ".join(texts))}
