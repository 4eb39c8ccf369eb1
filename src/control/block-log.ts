/** The file behind a log. It is written from front to back, one write at a time. */
export interface LogFile {
  /** Appends all of `bytes`; returns where they begin. After a failure the next write begins at the same place. */
  write(bytes: Uint8Array): Promise<number>;
  /** Fills all of `target` from `position` on. */
  read(target: Uint8Array, position: number): Promise<void>;
  close(): void;
}

export interface BlockLogOptions {
  /** Makes the file on which blocks go that are many; without it, all stay in memory. Called once, when it is needed. */
  openFile?: (() => LogFile) | undefined;
  /** How many rows a block has, asked when it must be dropped. */
  rowsOf(block: Uint8Array): number;
  /** Called with how many rows were just dropped, and why. */
  lost?: ((rows: number, reason: unknown) => void) | undefined;
}

/** Blocks are written together, about so many bytes at once. */
const groupBytes = 1 << 20;
/** Beyond this, blocks that the disk is too slow for are dropped. */
const mostPending = 32 << 20;
const lengthBytes = 4;

interface Group {
  readonly position: number;
  readonly bytes: number;
}

/**
 * Blocks of rows in the order in which they were appended: the newest in memory, the others in a file. It takes the same memory
 * however many there are. Where the disk is full, blocks are dropped and their rows counted; those after them are kept
 * again once there is room.
 */
export class BlockLog {
  readonly #options: BlockLogOptions;
  readonly #groups: Group[] = [];
  /** Blocks that are not in the file, from number `#firstPending` on. */
  #pending: Uint8Array[] = [];
  #firstPending = 0;
  #pendingBytes = 0;
  #file: LogFile | undefined;
  #writing = false;
  #closed = false;
  /** How many rows were dropped. */
  lostRows = 0;

  constructor(options: BlockLogOptions) {
    this.#options = options;
  }

  /** How many blocks were appended and kept. */
  get length(): number {
    return this.#firstPending + this.#pending.length;
  }

  /** Appends a block, which is the log's from now on. Does not wait for the disk. */
  append(block: Uint8Array): void {
    if (this.#closed) return;
    if (this.#pendingBytes > mostPending && this.#options.openFile !== undefined) {
      this.#lose([block], new Error("the disk is too slow"));
      return;
    }
    this.#pending.push(block);
    this.#pendingBytes += block.length;
    if (this.#pendingBytes >= groupBytes && !this.#writing && this.#options.openFile !== undefined) void this.#write();
  }

  /** The blocks that there are now, oldest first, with their numbers. */
  async *blocks(): AsyncGenerator<readonly [number: number, block: Uint8Array]> {
    const end = this.length;
    let next = 0;
    for (let i = 0; next < end; i++) {
      // Groups only come to be at the end, so that none is missed while others are read.
      const group = this.#groups[i];
      if (group === undefined) {
        const pending = this.#pending.slice(Math.max(0, next - this.#firstPending), end - this.#firstPending);
        for (const block of pending) {
          yield [next, block];
          next += 1;
        }
        return;
      }
      const bytes = new Uint8Array(group.bytes);
      await this.#file!.read(bytes, group.position);
      for (let at = 0; at < bytes.length && next < end; next++) {
        const length = new DataView(bytes.buffer).getUint32(at, true);
        // A copy, so that it is aligned.
        yield [next, bytes.slice(at + lengthBytes, at + lengthBytes + length)];
        at += lengthBytes + length;
      }
    }
  }

  /** Gives the file back. What is appended from now on is dropped. */
  close(): void {
    this.#closed = true;
    this.#pending = [];
    this.#file?.close();
  }

  async #write(): Promise<void> {
    this.#writing = true;
    while (this.#pendingBytes >= groupBytes && !this.#closed) {
      const blocks = takeGroup(this.#pending);
      const bytes = join(blocks);
      let position: number | undefined;
      try {
        this.#file ??= this.#options.openFile!();
        position = await this.#file.write(bytes);
      } catch (reason) {
        if (!this.#closed) this.#lose(blocks, reason);
      }
      if (this.#closed) return;
      this.#pending.splice(0, blocks.length);
      for (const { length } of blocks) this.#pendingBytes -= length;
      if (position === undefined) continue;
      this.#groups.push({ position, bytes: bytes.length });
      this.#firstPending += blocks.length;
    }
    this.#writing = false;
  }

  #lose(blocks: readonly Uint8Array[], reason: unknown): void {
    let rows = 0;
    for (const block of blocks) rows += this.#options.rowsOf(block);
    this.lostRows += rows;
    this.#options.lost?.(rows, reason);
  }
}

function takeGroup(pending: readonly Uint8Array[]): Uint8Array[] {
  const group: Uint8Array[] = [];
  let bytes = 0;
  for (const block of pending) {
    if (bytes >= groupBytes) break;
    group.push(block);
    bytes += block.length;
  }
  return group;
}

function join(blocks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(blocks.reduce((sum, { length }) => sum + lengthBytes + length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const block of blocks) {
    view.setUint32(at, block.length, true);
    bytes.set(block, at + lengthBytes);
    at += lengthBytes + block.length;
  }
  return bytes;
}
