// Floods a server, in a process of its own: `node flooder.js PORT NAME SECONDS ADDRESS`.
import { runFlood } from "./flood.js";
import { floods } from "./floods/index.js";

const [port, name, seconds, from] = process.argv.slice(2);
const flood = floods.find((one) => one.name === name);
if (flood === undefined) throw new Error(`There is no flood ${name}.`);
process.send?.(await runFlood({ port: Number(port), from: from! }, flood, Number(seconds) * 1000));
process.disconnect();
