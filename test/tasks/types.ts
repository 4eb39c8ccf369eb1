/** What the compiler must know of remote code: this file is compiled and never run. */
import {
  type ActorHandle,
  asCompleted,
  cancel,
  createScope,
  free,
  get,
  getActor,
  getSync,
  type NewRef,
  type ObjectRef,
  type ObjectRefGenerator,
  put,
  type RemoteFunction,
  remote,
  wait,
} from "../../src/tasks/index.js";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(..._: Same<A, B> extends true ? [] : [never]): void {}

const add = remote((a: number, b: string) => a + b.length);

export async function functions(): Promise<void> {
  same<typeof add, RemoteFunction<[a: number, b: string], number>>();
  const ref = add.remote(1, "x");
  same<typeof ref, NewRef<number>>();
  const one = await get(ref);
  same<typeof one, number>();
  const same1 = await ref.get();
  same<typeof same1, number>();
  const same2 = getSync(ref);
  same<typeof same2, number>();

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
  const either = remote((n: number) => n > 0).remote(1);
  same<typeof either, NewRef<boolean>>();
  const nothing = remote((): never => process.exit()).remote();
  same<typeof nothing, NewRef<never>>();
  const anything = remote((text: string) => JSON.parse(text)).remote("{}");
  // biome-ignore lint/suspicious/noExplicitAny: what JSON.parse gives.
  same<typeof anything, NewRef<any>>();

  // @ts-expect-error A remote function is not called directly.
  add(1, "x");
  // @ts-expect-error No such option.
  remote((n: number) => n, { numCpu: 1 });
  // @ts-expect-error An actor's option is no task's.
  add.options({ maxConcurrency: 1 });
  // @ts-expect-error An option of the wrong type.
  add.options({ numCpus: "1" });
  // @ts-expect-error Neither a function nor a class.
  remote({});
}

export function args(): void {
  const ref = add.remote(1, "x");
  // A parameter takes a value or a reference to one.
  add.remote(ref, put("x"));
  // @ts-expect-error A string is no number.
  add.remote("1", "x");
  // @ts-expect-error A reference to a string is no number.
  add.remote(put("1"), "x");
  // @ts-expect-error A reference to a reference to a number is no number.
  add.remote(remote(() => add.remote(1, "x")).remote(), "x");
  // @ts-expect-error A promise is no value.
  add.remote(Promise.resolve(1), "x");
  // @ts-expect-error An argument is missing.
  add.remote(1);
  // @ts-expect-error There is one too many.
  add.remote(1, "x", 2);

  const optional = remote((a: number, b?: string) => `${a}${b}`);
  optional.remote(1);
  optional.remote(1, undefined);
  optional.remote(1, put("x"));
  // @ts-expect-error A number is no string.
  optional.remote(1, 2);
  const defaults = remote((a: number, b = 2) => a + b);
  defaults.remote(1);
  defaults.remote(1, put(3));
  // @ts-expect-error A string is no number.
  defaults.remote(1, "2");

  const rest = remote((first: string, ...others: number[]) => first + others.length);
  rest.remote("x");
  rest.remote(put("x"), 1, put(2), ref);
  // @ts-expect-error A string among the numbers.
  rest.remote("x", 1, "2");
  // @ts-expect-error A reference to a string among the numbers.
  rest.remote("x", 1, put("2"));

  const frozen = remote((list: readonly number[], pair: readonly [string, number]) => list.length + pair[1]);
  frozen.remote([1], ["x", 1]);
  frozen.remote([1] as const, put(["x", 1] as const));
  frozen.remote(put([1]), ["x", 1]);
  // @ts-expect-error References inside of arguments stay references.
  frozen.remote([put(1)], ["x", 1]);
  // @ts-expect-error The tuple is too short.
  frozen.remote([1], ["x"]);

  const union = remote((value: string | number[]) => value.length);
  union.remote("x");
  union.remote(put([1]));
  union.remote(put<string | number[]>("x"));
  // @ts-expect-error A number is neither.
  union.remote(1);

  // As references are replaced by their values, no parameter gets one that is given as it is.
  const nested = remote((ref: ObjectRef<number>) => ref.get());
  // @ts-expect-error The function would get the number.
  nested.remote(put(1));
  nested.remote(remote(() => put(1)).remote());
  const boxed = remote(async ({ refs }: { refs: ObjectRef<number>[] }) => await get(refs));
  boxed.remote({ refs: [put(1), ref] });
  // @ts-expect-error References to strings.
  boxed.remote({ refs: [put("x")] });

  // Of a generic function nothing is known of its type parameters, unless it is instantiated.
  const generic = remote(<T>(value: T): T[] => [value]);
  same<ReturnType<typeof generic.remote>, NewRef<unknown[]>>();
  const instantiated = remote((value: string): string[] => [value]);
  same<ReturnType<typeof instantiated.remote>, NewRef<string[]>>();
  function first<T>(list: readonly T[]): T | undefined {
    return list[0];
  }
  const ofNumbers = remote(first<number>);
  same<ReturnType<typeof ofNumbers.remote>, NewRef<number | undefined>>();
  // @ts-expect-error Strings are no numbers.
  ofNumbers.remote(["x"]);
  // Code that is generic itself.
  const run = <T>(value: T, target: RemoteFunction<[T], string>) => target.remote(put(value));
  same<ReturnType<typeof run>, NewRef<string>>();

  // Of overloads, the last one counts, as everywhere in TypeScript.
  function parse(text: string): string;
  function parse(text: string, base: number): number;
  function parse(text: string, base?: number): string | number {
    return base === undefined ? text : Number.parseInt(text, base);
  }
  const overloaded = remote(parse);
  same<ReturnType<typeof overloaded.remote>, NewRef<number>>();
  // @ts-expect-error The last one takes two.
  overloaded.remote("1");
}

export async function references(): Promise<void> {
  const ref = add.remote(1, "x");
  // @ts-expect-error A reference is no promise: `await get(ref)`.
  await ref;
  // @ts-expect-error Also where it is used.
  console.log(await add.remote(1, "x"));
  // @ts-expect-error And of put.
  await put(1);
  // @ts-expect-error It has no then.
  ref.then(() => 1);
  // @ts-expect-error Promise.all gives the references themselves.
  const wrong: number[] = await Promise.all([ref]);

  // @ts-expect-error get takes references.
  await get(wrong);
  // @ts-expect-error A value is none.
  await get(1);
  // @ts-expect-error A promise is none.
  await get(get(ref));
  // @ts-expect-error Nor in a list.
  await get([ref, 1]);
  // @ts-expect-error A generator's call gives many.
  await get(remote(function* () {}).remote());
  // @ts-expect-error wait takes references.
  await wait([1]);
  // @ts-expect-error So does free.
  free(1);
  // @ts-expect-error And cancel.
  cancel(1);
  // @ts-expect-error And a scope.
  createScope().add(1);
  // @ts-expect-error No such option.
  await get(ref, { timeout: 1 });
  // @ts-expect-error Its value is no string.
  const text: string = await get(ref);
  void text;

  // A promise may give one.
  const outer = remote(() => add.remote(1, "x"));
  const inner = await get(outer.remote());
  same<typeof inner, ObjectRef<number>>();
  const innermost = await get(inner);
  same<typeof innermost, number>();
  const twice = remote(() => outer.remote()).remote();
  same<typeof twice, NewRef<ObjectRef<ObjectRef<number>>>>();
  const box = await get(remote(() => ({ refs: [put(1)] })).remote());
  same<typeof box, { refs: NewRef<number>[] }>();
  // @ts-expect-error What an async function returns is checked as `await` is.
  remote(async () => put(1));
  const asynchronous = remote(async (): Promise<ObjectRef<number>> => {
    const made: ObjectRef<number> = put(1);
    return made;
  }).remote();
  same<typeof asynchronous, NewRef<ObjectRef<number>>>();

  // What is new and what was handed on stand for each other.
  let pending = [ref, add.remote(2, "x")];
  const [ready, notReady] = await wait(pending);
  same<typeof ready, ObjectRef<number>[]>();
  pending = notReady;
  for await (const done of asCompleted(pending)) same<typeof done, ObjectRef<number>>();
  const scoped = createScope().add(ref);
  same<typeof scoped, NewRef<number>>();
  const wide: ObjectRef<number | string> = ref;
  // @ts-expect-error Not the other way.
  const narrow: ObjectRef<number> = wide;
  void narrow;
}

export async function severalObjects(): Promise<void> {
  // A tuple where the function's type is one.
  const pair = remote((n: number): [string, number] => [`${n}`, n], { numReturns: 2 });
  const [text, number] = pair.remote(1);
  same<typeof text, NewRef<string>>();
  same<typeof number, NewRef<number>>();
  // @ts-expect-error There are two.
  pair.remote(1)[2];
  // @ts-expect-error A list is no reference.
  get(pair.remote(1), {}).length;
  const later = remote(async (): Promise<readonly [string, boolean]> => ["x", true], { numReturns: 2 }).remote();
  same<typeof later, [NewRef<string>, NewRef<boolean>]>();
  const list = remote((n: number) => [n, n], { numReturns: 2 }).remote(1);
  same<typeof list, NewRef<number>[]>();
  const whole = pair.options({ numReturns: 1 }).remote(1);
  same<typeof whole, NewRef<[string, number]>>();
  const still = pair.options({ name: "pair" }).remote(1);
  same<typeof still, [NewRef<string>, NewRef<number>]>();

  // A generator's references, of its items.
  const items = remote(async function* (n: number) {
    yield n;
    yield `${n}`;
  }).remote(1);
  same<typeof items, ObjectRefGenerator<string | number>>();
  for await (const item of items) same<typeof item, ObjectRef<string | number>>();
  // @ts-expect-error It has no synchronous loop.
  for (const item of items) void item;
  const stream: AsyncIterable<ObjectRef<string | number>> = items;
  void stream;
  const plain = remote(function* () {
    yield 1;
  }).remote();
  same<typeof plain, ObjectRefGenerator<number>>();
  const refs = remote(function* () {
    yield put(1);
  }).remote();
  for await (const item of refs) {
    same<typeof item, ObjectRef<ObjectRef<number>>>();
    const made = await get(item);
    same<typeof made, ObjectRef<number>>();
  }
}

class Counter {
  #secret = 0;
  value: number;
  callback: (() => number) | undefined;
  constructor(start: number, _label?: string) {
    this.value = start;
  }
  add(by: number): number {
    this.#secret += by;
    return this.value + this.hidden() + this.inherited();
  }
  async later(): Promise<string> {
    return "";
  }
  async ref(): Promise<ObjectRef<number>> {
    const made: ObjectRef<number> = put(1);
    return made;
  }
  fresh() {
    return put(1);
  }
  many(first: string, ...others: readonly number[]): number {
    return first.length + others.length;
  }
  optional(_by = 1): void {}
  get computed(): number {
    return this.value;
  }
  private hidden(): number {
    return 1;
  }
  protected inherited(): number {
    return 1;
  }
  static create(): Counter {
    return new Counter(0);
  }
}

class Loud extends Counter {
  shout(): string {
    return "!";
  }
}

export async function actors(): Promise<void> {
  const RemoteCounter = remote(Counter, { maxConcurrency: 1 });
  const counter = RemoteCounter.remote(put(1), "x");
  same<typeof counter, ActorHandle<Counter>>();
  // @ts-expect-error The constructor takes a number.
  RemoteCounter.remote("1");
  // @ts-expect-error It takes one.
  RemoteCounter.remote();
  // @ts-expect-error It takes two at most.
  RemoteCounter.remote(1, "x", 2);
  // @ts-expect-error A remote class is not made by new.
  new RemoteCounter(1);
  // @ts-expect-error Static methods are not the actor's.
  counter.create;

  const sum = counter.add.remote(put(1));
  same<typeof sum, NewRef<number>>();
  // @ts-expect-error A reference is no promise.
  await sum;
  const text = counter.later.remote();
  same<typeof text, NewRef<string>>();
  const ref = counter.ref.remote();
  same<typeof ref, NewRef<ObjectRef<number>>>();
  const fresh = await get(counter.fresh.remote());
  same<typeof fresh, ObjectRef<number>>();
  counter.many.remote(put("x"), 1, put(2));
  counter.optional.remote();
  counter.optional.remote(sum);
  // @ts-expect-error The method takes a number.
  counter.add.remote("1");
  // @ts-expect-error Or a reference to one.
  counter.add.remote(text);
  // @ts-expect-error It takes one.
  counter.add.remote();
  // @ts-expect-error A string among the numbers.
  counter.many.remote("x", "1");
  const grouped = counter.add.options({ concurrencyGroup: "io", maxTaskRetries: -1, name: "sum" }).remote(1);
  same<typeof grouped, NewRef<number>>();
  // @ts-expect-error No such option.
  counter.add.options({ numCpus: 1 });
  // @ts-expect-error A method is not called directly.
  counter.add(1);
  // @ts-expect-error A field is no method.
  counter.value;
  // @ts-expect-error Nor is a getter.
  counter.computed;
  // @ts-expect-error Private methods are the actor's own.
  counter.hidden;
  // @ts-expect-error So are protected ones.
  counter.inherited;
  // @ts-expect-error There is no such method.
  counter.missing;
  // @ts-expect-error Methods stay what they are.
  counter.add = counter.later;
  // @ts-expect-error A task's option is no actor's.
  RemoteCounter.options({ maxRetries: 1 });
  const found = getActor<Counter>("counter", "namespace");
  same<typeof found, ActorHandle<Counter>>();

  const renamed = counter.add.options({ numReturns: 1 }).remote(1);
  same<typeof renamed, NewRef<number>>();
  class Maker {
    *items(): Generator<string> {}
    async *later(_n: number): AsyncGenerator<number> {}
    pair(): [number, string] {
      return [1, ""];
    }
  }
  const maker = remote(Maker).remote();
  same<ReturnType<typeof maker.items.remote>, ObjectRefGenerator<string>>();
  same<ReturnType<typeof maker.later.remote>, ObjectRefGenerator<number>>();
  const [one, two] = maker.pair.options({ numReturns: 2 }).remote();
  same<typeof one, NewRef<number>>();
  same<typeof two, NewRef<string>>();

  // A handle is an argument like any other, and one of a subclass does for one of its base.
  const use = remote(async (handle: ActorHandle<Counter>) => await get(handle.add.remote(1)));
  same<typeof use, RemoteFunction<[handle: ActorHandle<Counter>], number>>();
  use.remote(counter);
  use.remote(put(counter));
  const loud = remote(Loud).remote(1);
  use.remote(loud);
  same<ReturnType<typeof loud.shout.remote>, NewRef<string>>();
  // @ts-expect-error An actor of another class.
  use.remote(maker);
  // @ts-expect-error An instance is no actor.
  use.remote(new Counter(1));
}
