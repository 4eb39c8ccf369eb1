import { readFileSync } from "node:fs";
import { decapsulate } from "arrow-flight-node/ipc";

/** The messages of a stream that pyarrow wrote; see test/fixtures/arrow/make.py. */
export function readFixture(name: string): {
  schema: Uint8Array;
  messages: { header: Uint8Array; body: Uint8Array }[];
} {
  const bytes = new Uint8Array(readFileSync(`test/fixtures/arrow/${name}.arrows`));
  const messages: { header: Uint8Array; body: Uint8Array }[] = [];
  for (let offset = 0; offset < bytes.length - 8; ) {
    const message = decapsulate(bytes, offset)!;
    messages.push(message);
    offset = message.end;
  }
  return { schema: messages[0]!.header, messages: messages.slice(1) };
}
