# Times implicit on the same data as the lab, two threads: seconds a sweep and a fit, microseconds a shopper, as JSON.
# Called by `cargo xtask bench peers`.
import gzip, json, os, sys, time, warnings

os.environ["OPENBLAS_NUM_THREADS"] = "1"
warnings.filterwarnings("ignore")
import numpy as np
import scipy.sparse as sp
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import CosineRecommender

rows, columns = [], []
for line in gzip.open(sys.argv[1], "rt"):
    numbers = [int(word) for word in line.split()]
    rows += numbers[:1] * (len(numbers) - 1)
    columns += numbers[1:]
data = sp.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)))


def fit_s(model, **changes):
    for name, value in changes.items():
        setattr(model, name, value)
    start = time.perf_counter()
    model.fit(data, show_progress=False)
    return time.perf_counter() - start


def sweep(use_cg):
    model = AlternatingLeastSquares(
        factors=64, use_gpu=False, use_cg=use_cg, num_threads=2, alpha=60.0, regularization=1.0, random_state=1
    )
    fit_s(model, iterations=1)
    short = min(fit_s(model, iterations=1) for _ in range(3))
    long = min(fit_s(model, iterations=6) for _ in range(3))
    return model, (long - short) / 5


def recommend_us(model):
    times = []
    for row in range(0, data.shape[0], 15):
        history = data[row]
        start = time.perf_counter()
        model.recommend(row, history, N=20, filter_already_liked_items=True)
        times.append(time.perf_counter() - start)
    return 1e6 * float(np.median(times))


als, cg = sweep(True)
_, cholesky = sweep(False)
cosine = CosineRecommender(K=100, num_threads=2)
cosine_s = min(fit_s(cosine) for _ in range(3))
print(
    json.dumps(
        {
            "als_cg_sweep_s": cg,
            "als_cholesky_sweep_s": cholesky,
            "item_cosine_fit_s": cosine_s,
            "als_recommend_us": recommend_us(als),
            "item_cosine_recommend_us": recommend_us(cosine),
        }
    )
)
