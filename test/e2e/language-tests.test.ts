import { describe, expect, test } from "vitest";
import { bakeProject } from "../support/bake-project.ts";
import { lightbox, lightboxOk } from "../support/lightbox-command.ts";

const head = "FROM BASE\nRESOURCES cpus=1 memory=256M disk=1G\n";

async function layerOf(snapshot: string): Promise<string> {
  return JSON.parse((await lightboxOk(["snapshots", "inspect", snapshot])).stdout).layer;
}

describe("TEST", () => {
  test("runs on the result, is remembered, and keeps a result that fails it from the name", async () => {
    const text = `${head}SNAPSHOT tested
WORKDIR /srv
RUN echo made > file && echo 'tester:x:1234:1234::/srv:/bin/sh' >> /etc/passwd && echo 'tester:x:1234:' >> /etc/group
ENV WORD=made
TEST --title="The file is there" grep "$WORD" file && touch /left-behind
USER tester
TEST --network=none --timeout=2m <<EOT
#!/bin/sh
test ! -e /left-behind || exit 9
ls /sys/class/net | grep -v -e '^lo$' -e '^dummy' && exit 8
echo "checked by $(id -un) in $(pwd)"
EOT
USER root
RUN echo later > later
`;
    await using project = await bakeProject({ Lightfile: text });
    const first = await project.bake();
    expect(first.result.exitCode, first.result.stderr + first.result.stdout).toBe(0);
    const printed = first.events.map((event) => (event.kind === "test-output" ? event.text : "")).join("");
    expect(printed).toBe("made\nchecked by tester in /srv\n");
    const files = ["sh", "-c", "ls /srv; ls /left-behind /dev/.lightbox-script 2>/dev/null; true"];
    expect(await project.run("tested", files)).toBe("file\nlater\n");

    const again = await project.bake();
    expect(again.ran).toEqual([]);
    expect(again.events.flatMap((event) => (event.kind === "test-passed" ? event.remembered : []))).toEqual([
      true,
      true,
    ]);
    expect(again.events.some(({ kind }) => kind === "worker-opening")).toBe(false);

    const layer = await layerOf("tested");
    await project.write({
      Lightfile: text
        .replace("echo later", "echo broken")
        .replace('"checked', '"oh no" && exit 7; echo "checked'),
    });
    const failing = await lightbox(["bake", "--progress=plain", project.folder]);
    expect(failing.exitCode).toBe(1);
    expect(failing.stderr).toMatch(/Lightfile:9:1: error\[TestFailed\][\s\S]*exit code 7[\s\S]*\| oh no/);
    expect(await layerOf("tested")).toBe(layer);
    expect((await lightboxOk(["ps", "-q"])).stdout).not.toMatch(/^test-/m);
  });

  test("that takes longer than its --timeout fails, and its sandbox goes away", async () => {
    await using project = await bakeProject({
      Lightfile: `${head}SNAPSHOT slow\nRUN echo made > /file\nTEST --timeout=1s sleep 600\n`,
    });
    const { result } = await project.bake();
    expect(result.exitCode).toBe(1);
    expect(result.stdout).toContain('"code":"TestTimedOut"');
    expect((await lightboxOk(["ps", "-q"])).stdout).not.toMatch(/^test-/m);
  });
});

describe("what a Lightfile says of sandboxes", () => {
  test("ENTRYPOINT with CMD, EXPOSE, HEALTHCHECK and STOPSIGNAL act in lightbox run, ps and stop", async () => {
    await using project = await bakeProject({
      Lightfile: `${head}SNAPSHOT served
RUN mkdir /www && echo "served by CMD" > /www/index.html
EXPOSE 8080
STOPSIGNAL SIGUSR1
HEALTHCHECK --interval=1s --retries=60 CMD wget -q -O /dev/null http://127.0.0.1:8080/
ENTRYPOINT ["sh", "-c", "trap 'echo stopped > /signals/got; exit' USR1; \\"$@\\" & wait", "entry"]
CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]
`,
    });
    const bake = await project.bake();
    expect(bake.result.exitCode, bake.result.stderr).toBe(0);
    const started = [
      "run",
      "-d",
      "-P",
      "--wait-healthy",
      "--name",
      "served-box",
      "-v",
      "served-signals:/signals",
    ];
    try {
      const run = await lightboxOk([...started, "served"]);
      expect(run.stdout).toBe("served-box\n");
      const listed = JSON.parse((await lightboxOk(["ps", "--health", "--format=json"])).stdout);
      const box = listed.find(({ name }: { name: string }) => name === "served-box");
      expect(box).toMatchObject({
        health: "healthy",
        ports: [{ guestPort: 8080, hostAddress: "127.0.0.1" }],
      });
      const response = await fetch(`http://127.0.0.1:${box.ports[0].hostPort}/index.html`);
      expect(await response.text()).toBe("served by CMD\n");
      await lightboxOk(["stop", "served-box"]);
    } finally {
      await lightbox(["rm", "-f", "served-box"]);
    }
    // Given words stand in CMD's place, behind ENTRYPOINT.
    const words = ["run", "--rm", "-v", "served-signals:/signals", "served", "--", "cat", "/signals/got"];
    const seen = await lightbox(words);
    expect(seen.stdout, seen.stderr).toBe("stopped\n");
  });
});
