"""Resources: a function that asks for three GPUs waits until three are free, and sees which ones it got. The node has four,
because it was told so: nothing here looks for real ones.

    python pipelines/ray/gpus.py
"""

import json

import ray


@ray.remote(num_gpus=3)
def train():
    return ray.get_gpu_ids()


@ray.remote(num_gpus=2)
class Holder:
    def gpu_ids(self):
        return ray.get_gpu_ids()


ray.init(num_gpus=4)

holder = Holder.remote()
held = ray.get(holder.gpu_ids.remote())
id = train.remote()
early, _ = ray.wait([id], timeout=0.5)
ray.kill(holder)
got = ray.get(id)
print(json.dumps({"held": held, "early": len(early), "got": got}))

ray.shutdown()
