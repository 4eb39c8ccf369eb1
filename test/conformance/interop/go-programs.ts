import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { runBuild } from "../build.js";
import { runProgram, type ServerProcess, startServer, tail } from "../child.js";

const version = "v1.84.0";
const folder = path.resolve(`.cache/conformance/bin/grpc-go-${version}`);

/** The certificate that servers show, which is its own authority. */
export const certificate = path.resolve("test/fixtures/flight/tls/server.pem");
export const key = path.resolve("test/fixtures/flight/tls/server.key");

/** Builds grpc-go's interop client and server where they are not there yet. */
export async function buildGrpcGo(log: (line: string) => void): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const name of ["client", "server"]) {
    if (existsSync(path.join(folder, name))) continue;
    log(`Building grpc-go's interop ${name} ${version}.`);
    await runBuild({
      tool: "go",
      args: ["install", `google.golang.org/grpc/interop/${name}@${version}`],
      cwd: folder,
      env: { GOBIN: folder, GOFLAGS: "" },
      install: "Go 1.25 or newer (https://go.dev/dl)",
    });
  }
}

/** Has grpc-go's client do one of its test cases; throws with the end of its output when it is not content. */
export async function runGrpcGoClient(port: number, testCase: string, tls: boolean): Promise<void> {
  const secure = ["-use_tls", "-use_test_ca", "-ca_file", certificate];
  const load = '{"loadBalancingConfig":[{"test_backend_metrics_load_balancer":{}}]}';
  const { code, output } = await runProgram(path.join(folder, "client"), [
    ...["-server_host", "localhost", "-server_port", String(port), "-test_case", testCase],
    ...(tls ? secure : []),
    ...(testCase.startsWith("orca") ? ["-service_config_json", load] : []),
  ]);
  if (code !== 0)
    throw new Error(`The client ended with ${code ?? "a signal, after its time was up"}.\n${tail(output)}`);
}

/** Starts grpc-go's server, which says where it listens only in its log. */
export async function startGrpcGoServer(tls: boolean): Promise<ServerProcess> {
  const secure = ["-use_tls", "-tls_cert_file", certificate, "-tls_key_file", key];
  const logged = 'GRPC_GO_LOG_SEVERITY_LEVEL=info exec "$0" "$@" 2>&1';
  const program = path.join(folder, "server");
  return await startServer("sh", ["-c", logged, program, "-port", "0", ...(tls ? secure : [])]);
}
