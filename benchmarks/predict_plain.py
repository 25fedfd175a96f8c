"""What one writes without cxai: `mlflow.pyfunc` in a loop over chunks of a Parquet file."""

from __future__ import annotations

import sys

import mlflow
import pyarrow as pa
import pyarrow.parquet as pq

CHUNK = 100_000


def main(source: str, target: str) -> None:
    """Score ``source`` with the newest run's model."""
    mlflow.set_tracking_uri("sqlite:///mlruns/mlflow.db")
    newest = mlflow.search_runs(search_all_experiments=True, max_results=1)["run_id"].iloc[0]
    model = mlflow.pyfunc.load_model(f"runs:/{newest}/model")
    writer = None
    for batch in pq.ParquetFile(source).iter_batches(CHUNK):
        rows = batch.to_pandas()
        scored = rows[["customer_id", "occasion"]].assign(probability=model.predict(rows)[:, 1])
        table = pa.Table.from_pandas(scored, preserve_index=False)
        writer = writer or pq.ParquetWriter(target, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
