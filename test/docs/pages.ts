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

/** An API reference: where its pages lie, and what they are made from. */
export interface Book {
  /** Where the package's pages lie; the reference is the folder "api" of it. */
  readonly folder: string;
  /** The page that leads to them, as seen from there. */
  readonly start: string;
  /** Where its emitted types lie. */
  readonly types: string;
  /** The emitted types of each entry, in that folder. */
  readonly entries: Readonly<Record<string, string>>;
  /** Types that signatures name and nobody needs to name. */
  readonly notExported: readonly string[];
  /** The page whose tables of defaults are made, too. */
  readonly limits?: string;
  /** As the reader meets them. A page without sources has all that the pages before it left. */
  readonly pages: readonly Page[];
}

const flightPages: readonly Page[] = [
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

const enginePages: readonly Page[] = [
  {
    name: "session",
    title: "Session",
    about: "Starts and ends the engine, and says what it has.",
    entry: "rayflight",
    sources: ["bridge/node/init", "bridge/node/options", "src/store/spill-codec", "src/tasks/cluster"],
  },
  {
    name: "tasks-and-actors",
    title: "Tasks and actors",
    about: "Makes functions and classes remote.",
    entry: "rayflight",
    sources: ["src/tasks/remote", "src/tasks/options", "src/tasks/actor-handle"],
  },
  {
    name: "objects",
    title: "Objects and verbs",
    about: "What is done with references, and with what makes them.",
    entry: "rayflight",
    sources: ["src/tasks/verbs", "src/tasks/object-ref", "src/tasks/as-completed", "src/tasks/backend"],
  },
  {
    name: "pools-and-queues",
    title: "Pools and queues",
    about: "What is made of actors.",
    entry: "rayflight",
    sources: ["src/tasks/actor-pool", "src/tasks/queue-actor"],
  },
  {
    name: "datasets",
    title: "Datasets",
    about: "Data that comes and goes by Arrow Flight.",
    entry: "rayflight",
    sources: [
      "bridge/node/data",
      "src/data/client",
      "src/data/opened",
      "src/data/dataset",
      "src/data/result-stream",
      "src/data/write",
      "src/arrow/batch-of",
      "src/arrow/columns",
    ],
  },
  {
    name: "errors",
    title: "Errors",
    about: "The one class of error, and its closed set of codes.",
    entry: "rayflight",
    sources: ["src/error"],
  },
  { name: "seeing", title: "Seeing what happens", about: "Tables of the node, and the rest.", entry: "rayflight" },
];

export const flight: Book = {
  folder: "bridge/flight/docs",
  start: "../README.md",
  types: "bridge/flight/dist",
  // Routes are what implementService makes and FlightServer takes: nobody else looks at them.
  notExported: ["GrpcHandler"],
  entries: {
    "arrow-flight-node": "index.d.ts",
    "arrow-flight-node/ipc": "ipc/index.d.ts",
    "arrow-flight-node/grpc": "grpc/index.d.ts",
  },
  limits: "limits-and-security.md",
  pages: flightPages,
};

export const engine: Book = {
  folder: "src/docs",
  start: "../tasks/README.md",
  types: "dist",
  notExported: [
    // What only the engine gives to constructors.
    ...["FilledActorOptions", "FilledTaskOptions", "RefOwner", "RefSource", "RemoteCode"],
    // Numbers.
    ...["ActorId", "ObjectId", "TaskId"],
    // How types follow from each other.
    ...["ActorConstructor", "ActorControl", "Live", "Returned", "Tables", "Column", "Values"],
  ],
  entries: { rayflight: "bridge/node.d.ts" },
  pages: enginePages,
};

export const books: readonly Book[] = [flight, engine];
