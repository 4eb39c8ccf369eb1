"""An actor: an object in a process of its own, whose calls arrive in the order in which they were made.

    python pipelines/ray/counter.py
"""

import json

import ray


@ray.remote
class Counter:
    def __init__(self):
        self.value = 0

    def postinc(self):
        self.value += 1
        return self.value - 1


ray.init()

counter = Counter.remote()
id1 = counter.postinc.remote()
id2 = counter.postinc.remote()
id3 = counter.postinc.remote()
print(json.dumps(ray.get([id1, id2, id3])))

ray.shutdown()
