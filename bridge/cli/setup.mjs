// Sets up a clone: `node bridge/cli/setup.mjs [main|test]`. It runs before anything is installed, so it is plain
// JavaScript without dependencies. This file must parse on any Node, to be able to say which Node is needed.
var version = process.versions.node.split(".").map(Number);
if (version[0] < 20 || (version[0] === 20 && version[1] < 19)) {
  process.stderr.write(
    "rayflight needs Node 20.19 or newer; this is " +
      process.version +
      ".\n" +
      "Install a newer Node (https://nodejs.org, or your system's package), then run the command again.\n",
  );
  process.exit(1);
}
import("./setup/main.mjs").then((setup) => setup.main(process.argv.slice(2)));
