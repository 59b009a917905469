"""Long texts, such as mails and descriptions: what a first model can make of them without a model of language."""

import polars as pl

from headrace.app.scaffolding.names import distinct_name, quoted

_MEDIAN_WORDS = 5
_MOST_WORDS = 40
_LEAST_SHARE, _MOST_SHARE = 0.05, 0.5
_LEAST_TEXTS = 20
_WORD = r"\p{L}{4,20}"
"""Shorter words are mostly those that every text has."""
_MOST_TEXTS, _MOST_CHARACTERS = 10_000, 5_000


def is_long_text(values: pl.Series) -> bool:
    """Return whether texts are sentences rather than names: five words or more in the middle one."""
    median = _looked_at(values).str.count_matches(r"\s+\S").median()
    return isinstance(median, float) and median + 1 >= _MEDIAN_WORDS


def long_text_features(column: str, values: pl.Series, taken: set[str]) -> tuple[tuple[str, str], ...]:
    """Return the length, and for each common word whether a text has it, as (name, code).

    Words are chosen by how many texts have them, 5 % to 50 %, the most common first, and never by the target: the rows that the model is
    judged on are among those looked at.
    """
    names, text = set(taken), f"col({quoted(column)})"
    found = [(f"{column} length", f"{text}.len_chars()")]
    found += [(f"{column} has {word}", f"{text}.lower().contains({quoted(word)})") for word in _common_words(values)]
    features = []
    for name, code in found:
        features.append((distinct_name(name, names), code))
        names.add(features[-1][0])
    return tuple(features)


def _common_words(values: pl.Series) -> list[str]:
    texts = _looked_at(values)
    words = texts.str.to_lowercase().str.extract_all(_WORD).list.unique().explode().drop_nulls()
    counts = words.alias("word").value_counts(name="texts")
    common = counts.filter(pl.col("texts").is_between(max(_LEAST_TEXTS, _LEAST_SHARE * len(texts)), _MOST_SHARE * len(texts)))
    return common.sort(["texts", "word"], descending=[True, False])["word"].head(_MOST_WORDS).to_list()


def _looked_at(values: pl.Series) -> pl.Series:
    """Return the beginnings of at most ten thousand texts, evenly from all."""
    present = values.drop_nulls()
    return present.gather_every(max(1, len(present) // _MOST_TEXTS)).str.head(_MOST_CHARACTERS)
