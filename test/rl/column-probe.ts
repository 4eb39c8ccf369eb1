import * as ray from "rayflight";
import { featuresOf, housesOf } from "../../pipelines/battery/houses.js";
import { BatteryDistrict } from "../../src/rl/index.js";

/** What the buffers of a dataset's columns look like from a worker thread. */
export interface ProbedColumn {
  readonly building: number;
  readonly name: string;
  readonly shared: boolean;
  /** The column's first number as this thread sees it. */
  readonly first: number;
}

/** An actor that opens a battery dataset as rollout actors do, and looks at where its columns lie. */
export class ColumnProbe {
  #dataset: ray.Dataset | undefined;

  async open(name: string): Promise<number> {
    this.#dataset = await ray.data.open(name);
    return featuresOf(this.#dataset).length;
  }

  look(): ProbedColumn[] {
    return housesOf(this.#dataset!).flatMap(({ building, columns }) =>
      Object.entries(columns).map(([name, values]) => {
        const shared = (values.buffer as ArrayBufferLike) instanceof SharedArrayBuffer;
        return { building, name, shared, first: values[0]! };
      }),
    );
  }

  /** The district's net consumption in the first row, as the environment reads it from the columns. */
  firstNet(): number[] {
    return [...new BatteryDistrict(housesOf(this.#dataset!).map(({ columns }) => columns)).net];
  }
}
