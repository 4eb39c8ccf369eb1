/**
 * Buffers that nobody else has seen, kept for the next owner that needs one of the same size: the first touch of fresh memory costs
 * more than filling it does.
 */
export class BufferPool {
  readonly #buffers = new Map<number, SharedArrayBuffer[]>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  has(bytes: number): boolean {
    return this.#buffers.has(bytes);
  }

  put(buffer: SharedArrayBuffer): void {
    const size = buffer.byteLength;
    const buffers = this.#buffers.get(size);
    if (buffers === undefined) this.#buffers.set(size, [buffer]);
    else buffers.push(buffer);
    this.#bytes += size;
  }

  take(bytes: number): SharedArrayBuffer | undefined {
    const buffers = this.#buffers.get(bytes);
    const buffer = buffers?.pop();
    if (buffer === undefined) return undefined;
    if (buffers?.length === 0) this.#buffers.delete(bytes);
    this.#bytes -= bytes;
    return buffer;
  }

  clear(): void {
    this.#buffers.clear();
    this.#bytes = 0;
  }
}
