"""LightGBM's lambdarank on the rows that `lab ranker` wrote: python lightgbm_rank.py FOLDER RUNS THREADS

Prints one JSON object with seconds and CPU seconds by run (binning and training, features in memory) and writes the test rows' scores.
"""

import json
import sys
import time

import lightgbm
import numpy

folder, runs, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(f"{folder}/rows.json", encoding="utf-8") as file:
    shape = json.load(file)


def read(part, name, kind):
    return numpy.fromfile(f"{folder}/{part}.{name}", dtype=kind)


features = shape["features"]
values = read("train", "values", "<f4").reshape(-1, features)
labels = read("train", "labels", "<f4")
groups = read("train", "groups", "<u4")
params = {
    "objective": "lambdarank",
    "num_leaves": shape["leaves"],
    "learning_rate": shape["learning_rate"],
    "max_bin": shape["bins"],
    "min_data_in_leaf": shape["rows_in_leaf_min"],
    "num_threads": threads,
    "verbosity": -1,
}
seconds, cpu_seconds = [], []
for _ in range(runs):
    start, cpu_start = time.perf_counter(), time.process_time()
    data = lightgbm.Dataset(values, label=labels, group=groups, params=params)
    model = lightgbm.train(params, data, num_boost_round=shape["trees"])
    seconds.append(time.perf_counter() - start)
    cpu_seconds.append(time.process_time() - cpu_start)

unseen = read("test", "values", "<f4").reshape(-1, features)
model.predict(unseen, raw_score=True, num_threads=threads).astype("<f4").tofile(f"{folder}/test.scores")

one = unseen[:57].astype("f8")
model.predict(one, raw_score=True, num_threads=1)
times = []
for _ in range(500):
    start = time.perf_counter()
    model.predict(one, raw_score=True, num_threads=1)
    times.append((time.perf_counter() - start) * 1e6)
print(
    json.dumps(
        {
            "version": lightgbm.__version__,
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "score_57_rows_us": float(numpy.median(times)),
        }
    )
)
