/** What the compiler must know of remote code: this file is compiled and never run. */
import {
  type ActorHandle,
  get,
  getActor,
  type ObjectRef,
  type ObjectRefGenerator,
  put,
  type RemoteFunction,
  remote,
  wait,
} from "../../src/tasks/index.js";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(..._: Same<A, B> extends true ? [] : [never]): void {}

class Counter {
  #secret = 0;
  value: number;
  constructor(start: number, _label?: string) {
    this.value = start;
  }
  add(by: number): number {
    this.#secret += by;
    return this.value;
  }
  async later(): Promise<string> {
    return "";
  }
  async ref(): Promise<ObjectRef<number>> {
    return put(1);
  }
}

export async function functions(): Promise<void> {
  const add = remote((a: number, b: string) => a + b.length);
  same<typeof add, RemoteFunction<[a: number, b: string], number>>();
  const ref = add.remote(1, "x");
  same<typeof ref, ObjectRef<number>>();
  const one = await get(ref);
  same<typeof one, number>();

  // A parameter takes a value or a reference to one.
  add.remote(ref, put("x"));
  // @ts-expect-error A string is no number.
  add.remote("1", "x");
  // @ts-expect-error A reference to a string is no number.
  add.remote(put("1"), "x");
  // @ts-expect-error An argument is missing.
  add.remote(1);
  // @ts-expect-error A remote function is not called directly.
  add(1, "x");

  // Promises are unwrapped once, by the task.
  const later = remote(async (n: number) => [n]);
  same<typeof later, RemoteFunction<[n: number], number[]>>();
  const renamed = later.options({ name: "x" });
  same<typeof renamed, typeof later>();
  const values = await get([ref, later.remote(1)]);
  same<typeof values, [number, number[]]>();
  const many: ObjectRef<number>[] = [ref];
  const numbers = await get(many);
  same<typeof numbers, number[]>();
  const [ready] = await wait(many);
  same<typeof ready, ObjectRef<number>[]>();

  // Awaiting a reference does not give its value: it is no promise.
  // @ts-expect-error The reference itself is no number.
  const value: number = await ref;
  // @ts-expect-error It has no then.
  ref.then(() => value);

  const outer = remote(() => add.remote(1, "x"));
  const inner = await get(outer.remote());
  same<typeof inner, ObjectRef<number>>();

  // @ts-expect-error No such option.
  remote((n: number) => n, { numCpu: 1 });
  const either = remote((n: number) => n > 0).remote(1);
  same<typeof either, ObjectRef<boolean>>();
  const nothing = remote((): never => process.exit()).remote();
  same<typeof nothing, ObjectRef<never>>();

  // Several objects: a tuple where the function's type is one.
  const pair = remote((n: number): [string, number] => [`${n}`, n], { numReturns: 2 });
  const [text, number] = pair.remote(1);
  same<typeof text, ObjectRef<string>>();
  same<typeof number, ObjectRef<number>>();
  const list = remote((n: number) => [n, n], { numReturns: 2 }).remote(1);
  same<typeof list, ObjectRef<number>[]>();
  const whole = pair.options({ numReturns: 1 }).remote(1);
  same<typeof whole, ObjectRef<[string, number]>>();
  const still = pair.options({ name: "pair" }).remote(1);
  same<typeof still, [ObjectRef<string>, ObjectRef<number>]>();

  // A generator's references, of its items.
  const items = remote(async function* (n: number) {
    yield n;
    yield `${n}`;
  }).remote(1);
  same<typeof items, ObjectRefGenerator<string | number>>();
  for await (const item of items) same<typeof item, ObjectRef<string | number>>();
  const plain = remote(function* () {
    yield 1;
  }).remote();
  same<typeof plain, ObjectRefGenerator<number>>();
  // @ts-expect-error An actor's option is no task's.
  add.options({ maxConcurrency: 1 });
  const optional = remote((a: number, b?: string) => `${a}${b}`);
  optional.remote(1);
  optional.remote(1, put("x"));
}

export async function actors(): Promise<void> {
  const RemoteCounter = remote(Counter, { maxConcurrency: 1 });
  const counter = RemoteCounter.remote(put(1), "x");
  same<typeof counter, ActorHandle<Counter>>();
  // @ts-expect-error The constructor takes a number.
  RemoteCounter.remote("1");

  const sum = counter.add.remote(put(1));
  same<typeof sum, ObjectRef<number>>();
  const text = counter.later.remote();
  same<typeof text, ObjectRef<string>>();
  const ref = counter.ref.remote();
  same<typeof ref, ObjectRef<ObjectRef<number>>>();
  // @ts-expect-error The method takes a number.
  counter.add.remote("1");
  const grouped = counter.add.options({ concurrencyGroup: "io", maxTaskRetries: -1, name: "sum" }).remote(1);
  same<typeof grouped, ObjectRef<number>>();
  // @ts-expect-error No such option.
  counter.add.options({ numCpus: 1 });
  const found = getActor<Counter>("counter", "namespace");
  same<typeof found, ActorHandle<Counter>>();
  const renamed = counter.add.options({ numReturns: 1 }).remote(1);
  same<typeof renamed, ObjectRef<number>>();
  class Maker {
    *items(): Generator<string> {}
    pair(): [number, string] {
      return [1, ""];
    }
  }
  const maker = remote(Maker).remote();
  same<ReturnType<typeof maker.items.remote>, ObjectRefGenerator<string>>();
  const [one, two] = maker.pair.options({ numReturns: 2 }).remote();
  same<typeof one, ObjectRef<number>>();
  same<typeof two, ObjectRef<string>>();
  // @ts-expect-error A method is not called directly.
  counter.add(1);
  // @ts-expect-error A field is no method.
  counter.value;
  // @ts-expect-error A task's option is no actor's.
  RemoteCounter.options({ maxRetries: 1 });

  // A handle is an argument like any other.
  const use = remote(async (handle: ActorHandle<Counter>) => await get(handle.add.remote(1)));
  same<typeof use, RemoteFunction<[handle: ActorHandle<Counter>], number>>();
  use.remote(counter);
}
