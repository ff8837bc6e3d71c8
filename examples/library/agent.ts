// Bakes a snapshot, runs a command in a sandbox that goes away again, and leaves another sandbox running, which any
// process finds by its name:
//
//   node examples/library/agent.ts [IMAGE]
import { buildSnapshot, launchSandbox, runInSandbox } from "lightbox";

const image = process.argv[2] ?? "debian:12-slim";

await buildSnapshot({
  name: "library-agent",
  image,
  resources: { cpus: 1, memory: "256M" },
  env: { GREETING: "hello" },
  setup: ["mkdir -p /opt/agent && echo 'a sandbox' > /opt/agent/name"],
});

const output = await runInSandbox({ snapshot: "library-agent", name: "library-once" }, (sandbox) =>
  sandbox.shell('echo "$GREETING from $(cat /opt/agent/name)"'),
);
process.stdout.write(output.stdout());

const agent = await launchSandbox({
  snapshot: "library-agent",
  name: "library-agent-1",
  mounts: { "/work": { volume: "library-work" } },
});
await agent.shell("echo started > /work/state");
// Without this the sandbox would be stopped at the end of the program.
await agent.detach();
