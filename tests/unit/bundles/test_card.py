from headrace.bundles.card import CandidateTried, CardFacts, DataUsed, Measured, render_card


def facts(**changes):
    chosen = CandidateTried("logistic", Measured("average_precision", 0.41, 0.4, 0.42), chosen=True)
    values = {
        "project": "flights",
        "model": "late",
        "version": "late-3",
        "purpose": "Will a flight be late?",
        "task": "binary",
        "data": [DataUsed("flights", 336776, "2013")],
        "split": [DataUsed("train", 200000)],
        "candidates": [CandidateTried("baseline", Measured("average_precision", 0.2)), chosen],
        "metrics": [Measured("average_precision", 0.39, 0.38, 0.40)],
        "looks": 1,
        "given": ["origin: a text"],
        "features": ["wind: latest(weather, wind)"],
        "threshold": "Late from 0.12 on.",
        "limits": ["a | b"],
    }
    return CardFacts(**{**values, **changes})


def test_the_card_tells_what_a_reader_asks():
    card = render_card(facts())
    for part in (
        "# late late-3",
        "## Purpose",
        "336,776",
        "| logistic | 0.4100 [0.4000, 0.4200] | chosen |",
        "| baseline | 0.2000 |  |",
        "Late from 0.12 on.",
        "first time",
        "headrace serve",
    ):
        assert part in card
    assert render_card(facts()) == card


def test_later_looks_are_said():
    assert "Look number 4" in render_card(facts(looks=4))


def test_parts_that_do_not_apply_are_left_out():
    card = render_card(facts(threshold="", limits=()))
    assert "## Decision" not in card
    assert "## Limits" not in card


def test_a_bar_in_a_cell_does_not_break_the_table():
    assert "a \\| b" in render_card(facts(data=[DataUsed("a | b", 1)]))
