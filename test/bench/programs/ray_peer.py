"""The peer of the engine's benchmark: Python Ray with two CPUs, measured as `ray microbenchmark` does.

The name of a figure in, "= " and its value out; the values are in the units of test/bench/engine.ts. Every result is checked.
"""

import sys
import time

import numpy
import ray

COUNT = 1000


@ray.remote
def add(a, b):
    return a + b


@ray.remote
class Client:
    def submit(self, count):
        began = time.perf_counter()
        check(ray.get([add.remote(i, 1) for i in range(count)]))
        return time.perf_counter() - began

    def call(self, counters, count):
        began = time.perf_counter()
        ray.get([counters[i % len(counters)].next.remote() for i in range(count)])
        return time.perf_counter() - began


@ray.remote
class Counter:
    def __init__(self):
        self.count = 0

    def next(self):
        self.count += 1
        return self.count - 1


def check(values):
    assert all(value == i + 1 for i, value in enumerate(values)), "a result is wrong"


def rate(count, work):
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def median_microseconds(work, count=300):
    times = []
    for _ in range(count):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return sorted(times)[count // 2] * 1e6


def tasks_async():
    return rate(COUNT, lambda: check(ray.get([add.remote(i, 1) for i in range(COUNT)])))


def tasks_multi():
    return 2 * COUNT / max(ray.get([client.submit.remote(COUNT) for client in clients]))


def tasks_with_ref():
    return rate(COUNT, lambda: check(ray.get([add.remote(one, i) for i in range(COUNT)])))


def chain():
    def work():
        ref = add.remote(0, 1)
        for _ in range(1, COUNT):
            ref = add.remote(ref, 1)
        assert ray.get(ref) == COUNT, "a result is wrong"

    return rate(COUNT, work)


def wait():
    def work():
        left = [add.remote(i, 1) for i in range(COUNT)]
        while left:
            _, left = ray.wait(left)

    return rate(1, work)


def actor_calls():
    def work():
        values = ray.get([counters[0].next.remote() for _ in range(COUNT)])
        assert values == list(range(values[0], values[0] + COUNT)), "calls are out of order"

    return rate(COUNT, work)


def actors_multi():
    return 2 * COUNT / max(ray.get([client.call.remote(counters, COUNT) for client in clients]))


def fifty_actors():
    began = time.perf_counter()
    actors = [Counter.remote() for _ in range(50)]
    assert ray.get([actor.next.remote() for actor in actors]) == [0] * 50, "a result is wrong"
    seconds = time.perf_counter() - began
    for actor in actors:
        ray.kill(actor)
    return seconds


def put_gigabytes():
    gibibytes = large.nbytes / 2**30
    return rate(gibibytes, lambda: ray.put(large))


ray.init(num_cpus=2, logging_level="ERROR", include_dashboard=False, log_to_driver=False)
clients = [Client.remote() for _ in range(2)]
counters = [Counter.remote() for _ in range(2)]
one = ray.put(1)
large = numpy.ones(256 * 2**20, dtype=numpy.uint8)
ray.get([client.submit.remote(10) for client in clients] + [counter.next.remote() for counter in counters])

figures = {
    "single client tasks sync": lambda: median_microseconds(lambda: ray.get(add.remote(1, 2))),
    "single client tasks async": tasks_async,
    "multi client tasks async": tasks_multi,
    "one ObjectRef argument": tasks_with_ref,
    "chain": chain,
    "1:1 actor calls sync": lambda: median_microseconds(lambda: ray.get(counters[0].next.remote())),
    "1:1 actor calls async": actor_calls,
    "n:n actor calls async": actors_multi,
    "50 actors": fifty_actors,
    "single client put calls": lambda: rate(COUNT, lambda: [ray.put(0) for _ in range(COUNT)]),
    "single client get calls": lambda: rate(COUNT, lambda: [ray.get(one) for _ in range(COUNT)]),
    "single client put gigabytes": put_gigabytes,
    "single client wait 1k refs": wait,
}
print("= ready", flush=True)
for line in sys.stdin:
    if line == "end\n":
        break
    print(f"= {figures[line.strip()]()}", flush=True)
ray.shutdown()
print("= ended", flush=True)
