import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installMachine } from "../../src/machine/install/install.ts";
import { Machine } from "../../src/machine/machine.ts";
import { endToEndHome } from "../support/end-to-end-home.ts";
import { shareInstallation } from "../support/end-to-end-machines.ts";

/**
 * Stands in for lightbox' worker inside the machine: `serve` with a token, a file to write and read, and ways to
 * end like a worker that is idle, crashes, or cannot start.
 */
const worker = `
import { createServer } from "node:http";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
if (existsSync("/data/cannot-start")) { console.log("the worker cannot start"); process.exit(3); }
const token = readFileSync(process.argv[process.argv.indexOf("--token-file") + 1], "utf8");
const answers = {
  "/version": () => JSON.stringify(process.argv.slice(2)),
  "/facts": () => JSON.stringify({ kvm: existsSync("/dev/kvm"), tmp: process.env.TMPDIR, pid: process.pid }),
  "/read": () => (existsSync("/data/note") ? readFileSync("/data/note", "utf8") : ""),
  "/idle": () => { server.close(); setTimeout(() => process.exit(0), 20); return "bye"; },
  "/crash": () => { setTimeout(() => process.exit(9), 20); return "bye"; },
  "/break": () => { writeFileSync("/data/cannot-start", "", { flush: true }); return "broken"; },
};
const server = createServer((request, response) => {
  if (request.headers.authorization !== "Bearer " + token) return response.writeHead(401).end();
  if (request.url.startsWith("/write/")) {
    writeFileSync("/data/note", request.url.slice(7), { flush: true });
    return response.end();
  }
  const answer = answers[request.url];
  if (answer === undefined) return response.writeHead(404).end();
  response.end(answer());
}).listen(7070, "0.0.0.0");
createServer((request, response) => response.end("published")).listen(8080, "0.0.0.0");
process.on("SIGTERM", () => process.exit(0));
setTimeout(() => process.exit(0), 600_000); // takes the machine with it when the tests were killed
`;

export interface MachineRig extends AsyncDisposable {
  readonly home: string;
  /** Each is what another process would have. */
  openMachine(): Machine;
}

/** An installed machine with the stand-in worker in a folder of its own; removed, QEMU included, at the end. */
export async function makeMachineRig(): Promise<MachineRig> {
  const home = await mkdtemp(join(tmpdir(), "lightbox-machine-test-"));
  const packageDirectory = join(home, "package");
  await mkdir(join(packageDirectory, "dist"), { recursive: true });
  await writeFile(join(packageDirectory, "package.json"), JSON.stringify({ type: "module" }));
  await writeFile(join(packageDirectory, "dist/cli.js"), worker);
  await symlink(join(import.meta.dirname, "../../node_modules"), join(packageDirectory, "node_modules"));
  await provideInstallation(home);
  const openMachine = () =>
    new Machine({
      home,
      packageDirectory,
      resources: { cpus: 1, memoryMib: 1024, dataDiskMib: 8 * 1024, idleMinutes: 15 },
      bootTimeoutMs: 240_000,
    });
  return {
    home,
    openMachine,
    [Symbol.asyncDispose]: async () => {
      await openMachine().remove(AbortSignal.timeout(60_000));
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** What `lightbox machine init` has fetched for the other tests is used, so that a test run downloads nothing twice. */
async function provideInstallation(home: string): Promise<void> {
  if (await shareInstallation(endToEndHome(), home)) return;
  await installMachine(
    { home, confirm: () => Promise.resolve(true), onEvent: () => {} },
    AbortSignal.timeout(300_000),
  );
}
