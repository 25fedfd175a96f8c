"""What an analyst writes without a runner: the same fit, the same intervals, the same MLflow logging, by hand.

Run as a script with the panel, the tracking URI, and the folder of the code that the model needs.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities import Metric, Param
from sklearn.pipeline import make_pipeline

from cxai_runner.evaluation.metrics import calibration_table, classification_metrics
from cxai_runner.methods.elasticity import price_elasticity
from cxai_runner.methods.logit import BinomialLogit
from cxai_runner.methods.terms import PanelTerms

PARAMS = 70
TRUSTED = [
    "cxai_runner.methods.logit.BinomialLogit",
    "cxai_runner.methods.terms.PanelTerms",
]


def main(panel: str, uri: str, code: str) -> None:
    """Fit, measure and log."""
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("bare")
    frame = pd.read_csv(panel).rename(columns={"client": "customer_id", "bought": "incidence"})
    frame = frame.rename(columns=lambda name: name.replace("Price_", "price_").replace("Promo_", "promotion_"))
    rng = np.random.default_rng(0)
    ids = frame["customer_id"].unique()
    unseen = frame["customer_id"].isin(rng.permutation(ids)[: len(ids) // 4])
    train, held_out = frame[~unseen], frame[unseen]
    columns = [name for name in frame.columns if name.startswith(("price_", "promotion_"))]
    prices = [name for name in columns if name.startswith("price_")]
    with mlflow.start_run() as run:
        model = make_pipeline(PanelTerms(("mean_price", "mean_promotion")), BinomialLogit())
        model.fit(train[columns], train["incidence"], binomiallogit__groups=train["customer_id"])
        metrics: dict[str, float] = {}
        with tempfile.TemporaryDirectory() as folder:
            for part, rows in (("train", train), ("held_out", held_out)):
                chance = model.predict_proba(rows[columns])[:, 1]
                base = np.full(len(rows), train["incidence"].mean())
                truth, customers = rows["incidence"].to_numpy(), rows["customer_id"].to_numpy()
                for one in classification_metrics(truth, chance, base, customers, 1000, rng):
                    for name, interval in (("", one.value), ("baseline_", one.baseline), ("diff_", one.difference)):
                        for end, value in asdict(interval).items():
                            metrics[f"{part}/{name}{one.name}_{end}"] = value
                scores = rows[["customer_id", "incidence"]].assign(probability=chance, baseline=base)
                scores.to_parquet(Path(folder) / f"{part}.parquet")
            curve = price_elasticity(model, train[columns], prices, rng, groups=train["customer_id"])
            curve.frame().to_csv(Path(folder) / "elasticity.csv")
            truth, customers = held_out["incidence"], held_out["customer_id"]
            chance = model.predict_proba(held_out[columns])[:, 1]
            calibration_table(truth, chance, customers, 1000, rng).to_csv(Path(folder) / "calibration.csv")
            model[-1].summary_frame().to_csv(Path(folder) / "coefficients.csv")
            for name in ("config.yaml", "overrides.yaml", "origins.json", "environment.txt"):
                (Path(folder) / name).write_text("key: value\n" * 100)
            mlflow.log_artifacts(folder)
        mlflow.log_input(mlflow.data.from_pandas(train, source=panel, digest="0"), context="train")
        client = mlflow.MlflowClient()
        client.log_batch(
            run.info.run_id,
            metrics=[Metric(name, value, 0, 0) for name, value in metrics.items()],
            params=[Param(f"param{number}", "value") for number in range(PARAMS)],
        )
        mlflow.sklearn.log_model(
            model,
            name="model",
            pyfunc_predict_fn="predict_proba",
            serialization_format="skops",
            skops_trusted_types=TRUSTED,
            input_example=train[columns].head(5),
            pip_requirements=["scikit-learn"],
            code_paths=[code],
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
