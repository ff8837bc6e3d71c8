// What `npm start` does: a first bake, a sandbox from it, a second bake, and a third one after a change. It uses the
// `lightbox` program as a user would, and says what it runs and how long that took.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const program = join(root, "dist", "cli.js");

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

interface Run {
  readonly input?: string;
  readonly quiet?: boolean;
}

/** Runs a command, shows it first unless quiet, and resolves with its exit code and milliseconds. */
async function run(
  argv: readonly string[],
  { input, quiet }: Run = {},
): Promise<{ code: number; durationMs: number }> {
  const started = performance.now();
  const child = spawn(process.execPath, argv, {
    cwd: root,
    stdio: [
      input === undefined ? "inherit" : "pipe",
      quiet ? "ignore" : "inherit",
      quiet ? "ignore" : "inherit",
    ],
  });
  if (input !== undefined) child.stdin?.end(input);
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode) => resolve(exitCode ?? 1));
  });
  return { code, durationMs: performance.now() - started };
}

async function step(title: string, words: readonly string[], options: Run = {}): Promise<number> {
  say(`\n\x1b[1m${title}\x1b[0m\n$ lightbox ${words.join(" ")}`);
  const { code, durationMs } = await run([program, ...words], options);
  if (code !== 0) {
    say(`\nlightbox ended with exit code ${code}; \`node dist/cli.js doctor\` says what this host lacks.`);
    process.exit(code);
  }
  return durationMs;
}

const seconds = (durationMs: number): string => `${(durationMs / 1000).toFixed(2)} s`;

if (!existsSync("/usr/bin/apt-get")) {
  say(
    "This demonstration makes its base image from Debian packages, and this host has no apt-get to fetch them with.",
  );
  say(
    "lightbox is built: `node dist/cli.js bake` bakes a Lightfile whose base is in a registry or an archive.",
  );
  process.exit(0);
}

say("\x1b[1mA base image from Debian packages, so that no container registry is needed\x1b[0m");
const base = await run([join(root, "examples/base/make-base.ts"), join(root, "examples/base/base.tar")]);
if (base.code !== 0) process.exit(base.code);

// Where the host has no usable virtualization, microVMs run in the machine: QEMU and a kernel from Debian.
await step("What microVMs need on this host", ["machine", "init", "--if-needed", "--yes"]);

const first = await step("A first bake: every step runs, and becomes a layer", ["bake", "Lightfile.example"]);
const sandbox = await step("A sandbox from the snapshot", ["run", "--rm", "hello"]);
const second = await step("The same bake again: every key is known, no virtual machine is started", [
  "bake",
  "Lightfile.example",
]);

const lightfile = readFileSync(join(root, "Lightfile.example"), "utf8");
const changed = lightfile.replace("print sum", 'print "sum: " sum');
const fromStdin = ["-f", "-", "."];
await step("One line changed: which steps will run, and why", ["bake", "--dry-run", ...fromStdin], {
  input: changed,
});
const third = await step("The changed bake: that step and those after it run", ["bake", ...fromStdin], {
  input: changed,
});
await step("The name moved when the bake had succeeded; what it stood for is still there", [
  ...["run", "--rm", "hello@previous", "--", "cat", "data/sum"],
]);

say(`
\x1b[1mMeasured here, program start included\x1b[0m
  first bake     ${seconds(first)}
  sandbox        ${seconds(sandbox)}  (boot, command, removal)
  bake again     ${seconds(second)}  (${Math.round(first / second)} times faster than the first)
  one change     ${seconds(third)}

Go on with: lightbox run hello -- sh     (node dist/cli.js in place of lightbox)`);
