"""Write wines.csv: the UCI wine data, out of scikit-learn's package, with the header that its file there lacks.

178 wines of three cultivars grown in one region of Italy, thirteen chemical measurements each (Forina et al., PARVUS, 1988; CC BY 4.0).
"""

import csv
import importlib.util
from pathlib import Path

SOURCE = Path(importlib.util.find_spec("sklearn").origin).parent / "datasets" / "data" / "wine_data.csv"
TARGET = Path(__file__).parent / "wines.csv"
HEADER = [
    "alcohol", "malic_acid", "ash", "alcalinity", "magnesium", "phenols", "flavanoids", "nonflavanoid_phenols", "proanthocyanins",
    "color_intensity", "hue", "od280_od315", "proline", "cultivar",
]  # fmt: skip
CULTIVARS = {"0": "barolo", "1": "grignolino", "2": "barbera"}


def main() -> None:
    with SOURCE.open(newline="", encoding="utf-8") as source, TARGET.open("w", newline="", encoding="utf-8") as target:
        rows = csv.reader(source)
        next(rows)  # 178,13,class_0,class_1,class_2: its shape and classes, not its columns
        writer = csv.writer(target)
        writer.writerow(HEADER)
        writer.writerows([*row[:-1], CULTIVARS[row[-1]]] for row in rows)
    print(f"wrote {TARGET}")


if __name__ == "__main__":
    main()
