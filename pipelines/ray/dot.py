"""Results as arguments before they are there: `dot` is submitted on the ids of two matrices that nobody has made yet.

    python pipelines/ray/dot.py
"""

import json

import numpy as np
import ray


@ray.remote
def zeros(rows, columns):
    return np.zeros((rows, columns))


@ray.remote
def dot(a, b):
    return np.dot(a, b)


ray.init()

id1 = zeros.remote(3, 5)
id2 = zeros.remote(5, 2)
id3 = dot.remote(id1, id2)
print(json.dumps(ray.get(id3).tolist()))

ray.shutdown()
