"""The shape of `reasons.yaml`: what customers read for every reason code of a policy series."""

from typing import Annotated

from pydantic import ConfigDict, RootModel, StringConstraints

from schemas.policy import ReasonCode, Shape

Sentence = Annotated[str, StringConstraints(pattern=r"\S", max_length=1000)]


class ReasonText(Shape):
    """What a reason means to the customer, and what would help."""

    means: Sentence
    helps: Sentence


class Reason(Shape):
    """One reason in English and in Chinese."""

    en: ReasonText
    zh: ReasonText


class Reasons(RootModel[dict[ReasonCode, Reason]]):
    """The texts of a series by reason code."""

    model_config = ConfigDict(frozen=True, strict=True)
