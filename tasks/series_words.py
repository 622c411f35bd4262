"""The words of a policy series for its own names and ids, in one language."""

from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, RootModel, StringConstraints

from tasks.yaml_files import read_yaml, validate_shape

Word = Annotated[str, StringConstraints(pattern=r"\S", max_length=500)]


class SeriesWords(RootModel[dict[str, Word]]):
    """Words for one language, by what they are for.

    An attribute's name has a short name, `attribute.value` a word for a value, `attribute.is.value` and
    `attribute.not.value` whole statements that it is or is not so, where a name and a value do not read well together;
    the id of a question or cap has what it asks, as a sentence.
    """

    model_config = ConfigDict(frozen=True, strict=True)


def load_words(folder: Path, language: str) -> dict[str, str]:
    """The words of the series in `folder`; none if it has no such file.

    Raises:
        FileRefused: the file is wrong; every finding with its line.
    """
    path = folder / "words" / f"{language}.yaml"
    return dict(validate_shape(read_yaml(path), SeriesWords).root) if path.exists() else {}
