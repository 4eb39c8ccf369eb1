/** One page of the API reference. */
export interface Page {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  /** The entry that its users import. */
  readonly entry: string;
  /** The source files whose exports it has, in its order; left out: all that the entry exports. */
  readonly sources?: readonly string[];
}

/** The API reference, as its reader meets it. */
export const pages: readonly Page[] = [
  {
    name: "server",
    title: "Server",
    about: "Answers Flight's calls: handlers, who may call, sessions.",
    entry: "arrow-flight-node",
    sources: ["server", "handlers", "logins", "session", "incidents", "secret"],
  },
  {
    name: "client",
    title: "Client",
    about: "Makes Flight's calls.",
    entry: "arrow-flight-node",
    sources: ["client", "read-endpoints", "cookie-jar", "protocol/basic-auth"],
  },
  {
    name: "middleware",
    title: "Middleware and TLS",
    about: "What both sides may put around their calls.",
    entry: "arrow-flight-node",
    sources: ["middleware", "tls"],
  },
  {
    name: "messages",
    title: "Messages",
    about: "What calls send and get, raw: any Arrow type and codec passes through.",
    entry: "arrow-flight-node",
    sources: ["messages", "shared-memory"],
  },
  {
    name: "batches",
    title: "Record batches",
    about: "The same streams as apache-arrow's record batches, typed by a schema.",
    entry: "arrow-flight-node",
    sources: ["batches", "schema"],
  },
  {
    name: "errors",
    title: "Errors",
    about: "The one class of error, and its closed set of codes.",
    entry: "arrow-flight-node",
    sources: ["error"],
  },
  {
    name: "ipc",
    title: "IPC messages",
    about: "Arrow's IPC format without any transport: read, checked, written.",
    entry: "arrow-flight-node/ipc",
  },
  {
    name: "grpc",
    title: "Other gRPC services",
    about: "Services beside Flight, on one server and over one client's connection.",
    entry: "arrow-flight-node/grpc",
  },
];
