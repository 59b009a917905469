"""Which of three cultivars is a wine made from? A plain table: no time, no other tables, three classes.

Write wines.csv first: python make_data.py
"""

import headrace as hr
from headrace import col

MEASURED = [
    "alcohol", "malic_acid", "ash", "alcalinity", "magnesium", "phenols", "flavanoids", "nonflavanoid_phenols", "proanthocyanins",
    "color_intensity", "hue", "od280_od315", "proline",
]  # fmt: skip

wines = hr.Events(
    "wines",
    source=hr.File("wines.csv"),
    expect=[
        hr.not_null("cultivar"),
        hr.one_of("cultivar", ["barolo", "grignolino", "barbera"]),
        hr.between("alcohol", 8, 18),
        hr.rows(minimum=100),
    ],
)

features = hr.Features(
    spine=wines,
    given=MEASURED,
    values={
        **{name: col(name) for name in MEASURED},
        "flavanoid_share": col("flavanoids") / col("phenols"),
        "log_proline": col("proline").log1p(),
    },
)

cultivar = hr.Model(
    "cultivar",
    features=features,
    target=col("cultivar"),
    split=hr.split.random(validation=0.2, test=0.3),  # a large test: with 178 wines the interval is the story
    candidates=[
        hr.Baseline(),
        hr.Logistic(),
        hr.GradientBoosting(num_leaves=(4, 15), min_child_samples=(5, 20), rounds=100),
    ],
    tune=hr.Tune(trials=10, time="10s"),
    metric="log_loss",
    gates=[hr.gate.beats("baseline"), hr.gate.at_least("macro_f1", 0.8), hr.gate.latency(p99_ms=5)],
)

project = hr.Project("wines", models=[cultivar], seed=7)
