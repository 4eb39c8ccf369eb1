import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { stamp } from "./stamp.mjs";

/**
 * Spark takes JAVA_HOME, else the java on PATH. Where that one is too old or too new but another is installed, the
 * environment's Spark is told so in its own place for such things, conf/spark-env.sh.
 */
export function sparkJava(java, environment) {
  const text = `# Written by rayflight's set-up: the Java that Spark would take by itself is not 17 or 21.\nexport JAVA_HOME=${quote(java.home)}\n`;
  const path = () => join(environment.about().site, "pyspark/conf/spark-env.sh");
  const present = () => (existsSync(path()) ? readFileSync(path(), "utf8") : undefined);
  return {
    name: `Spark's Java (${java.version})`,
    isDone: () => environment.about() !== undefined && present() === (java.isDefault ? undefined : text),
    async run() {
      if (java.isDefault) rmSync(path());
      else stamp(path(), text);
    },
  };
}

function quote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
