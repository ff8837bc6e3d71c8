import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { bakeProject } from "../support/bake-project.ts";
import { lightbox } from "../support/lightbox-command.ts";

const head = "FROM BASE\nRESOURCES cpus=1 memory=256M disk=1G\n";

describe("RUN", () => {
  test("is started again as often as it says, each time from the files as they were", async () => {
    await using project = await bakeProject({
      Lightfile: `${head}SNAPSHOT retried
RUN echo before > /before
RUN --retry=2 --mount=type=volume,source=retries-${process.pid},target=/count <<EOT
echo start >> /count/starts
echo start >> /starts
cat /before
[ "$(wc -l < /count/starts)" = 3 ]
EOT
RUN cat /before /starts; test ! -e /count
`,
    });
    const bake = await project.bake(["--checkpoint=final"]);
    expect(bake.result.exitCode, bake.result.stderr).toBe(0);
    expect(bake.output).toContain("attempt 2 of 3");
    expect(bake.output).toContain("attempt 3 of 3");
    expect(bake.output).toMatch(/before\nstart\n$/);
    const logs = await lightbox(["logs", project.folder, "2"]);
    expect(logs.stdout, logs.stderr).toContain("attempt 2 of 3");
  });

  test("that takes longer than its --timeout is ended with all its processes, and says so", async () => {
    await using project = await bakeProject({
      Lightfile: `${head}SNAPSHOT late
RUN echo good > /good
RUN --timeout=2s (trap '' TERM; sleep 600) & echo waiting; sleep 600
`,
    });
    const bake = await project.bake();
    expect(bake.result.exitCode).toBe(1);
    const failed = bake.events.find((event) => event.kind === "step-failed");
    expect(failed?.reason).toMatchObject({ kind: "refused", code: "StepTimedOut" });
    expect(bake.result.stderr + bake.result.stdout).toContain("waiting");
    const debug = await lightbox(["debug", project.folder, "cat", "/good"]);
    expect(debug.stdout, debug.stderr).toBe("good\n");
  });

  test("reaches the hosts that it allows and no other, or none, whatever the step after it may reach", async () => {
    await using allowed = await servedText("reached\n");
    await using other = await servedText("must not be reached\n");
    const allow = hosts.map((host) => `${host}:${allowed.port}`).join();
    // Not wget: that of a static busybox looks the service's name up, and dies of it.
    const get = (port: number): string =>
      `for host in $(ip route | awk '/^default/ { print $3 }') 10.0.2.2; do printf 'GET / HTTP/1.0\\r\\n\\r\\n' | ` +
      `nc -w 5 $host ${port} 2>/dev/null | tail -n 1 | grep reached && break; done`;
    await using project = await bakeProject({
      Lightfile: `${head}SNAPSHOT reached
RUN --network=none ${get(allowed.port)} || echo none; ls /sys/class/net
RUN --network=${allow} ${get(allowed.port)} || echo nothing
RUN --network=${allow} ${get(other.port)} || echo not the other
RUN --network=example.org ${get(allowed.port)} || echo not elsewhere
`,
    });
    const bake = await project.bake(["--checkpoint=final"]);
    expect(bake.result.exitCode, bake.result.stderr + bake.result.stdout).toBe(0);
    // One for the first three, the first of which has no network in it; another for the hosts of the fourth.
    expect(bake.buildersStarted).toBe(2);
    expect(bake.output).toBe("none\nlo\nreached\nnot the other\nnot elsewhere\n");
  });
});

describe("ENV --from-output", () => {
  test("sets the variable for later steps, stages and sandboxes, also when it comes out of the cache", async () => {
    const lightfile = (last: string): string => `FROM BASE AS versions
RESOURCES cpus=1 memory=256M disk=1G
ENV --from-output VERSION echo noise >&2; printf '1.%s\\n\\n' 2; echo kept > /side-effect
RUN echo "in the stage: $VERSION" > /stage

FROM versions
SNAPSHOT valued
${last}
`;
    await using project = await bakeProject({
      Lightfile: lightfile('RUN echo "in the next: $VERSION"'),
    });
    const bake = await project.bake();
    expect(bake.result.exitCode, bake.result.stderr).toBe(0);
    expect(bake.output).toContain("in the next: 1.2\n");

    await project.write({ Lightfile: lightfile('RUN echo "cached: $VERSION" > /next') });
    const again = await project.bake();
    expect(again.result.exitCode, again.result.stderr).toBe(0);
    expect(again.ran).toHaveLength(1);
    const look = ["sh", "-c", "cat /side-effect /stage /next; echo $VERSION"];
    expect(await project.run("valued", look)).toBe("kept\nin the stage: 1.2\ncached: 1.2\n1.2\n");
  });

  test("fails the step when what is printed cannot be a value", async () => {
    await using project = await bakeProject({
      Lightfile: `${head}SNAPSHOT unvalued
ENV --from-output LONG head -c 70000 /dev/zero | tr '\\0' x
`,
    });
    const bake = await project.bake();
    expect(bake.result.exitCode).toBe(1);
    const failed = bake.events.find((event) => event.kind === "step-failed");
    expect(failed?.reason).toMatchObject({ kind: "refused", code: "OutputTooLong" });
  });
});

/** This host as a builder on it knows it, and as one in an emulated machine on it does. */
const hosts = ["host.microsandbox.internal", "10.0.2.2"];

interface ServedText extends AsyncDisposable {
  readonly port: number;
}

/** A server on this host that answers everything with the text. */
async function servedText(text: string): Promise<ServedText> {
  const server = createServer((_, response) => response.end(text));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
