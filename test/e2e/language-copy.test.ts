import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { describe, expect, test } from "vitest";
import { bakeProject } from "../support/bake-project.ts";
import { GitRepository } from "../support/git-repository.ts";

const head = "FROM BASE\nRESOURCES cpus=1 memory=256M disk=1G\n";

describe("COPY --from", () => {
  test("leaves out what it is told to, keeps parents, and takes what is not there when it may", async () => {
    await using project = await bakeProject({
      Lightfile: `FROM BASE AS maker
RESOURCES cpus=1 memory=256M disk=1G
RUN mkdir -p /tree/a/deep /tree/b && cd /tree && echo 1 > a/one.txt && echo 2 > a/deep/two.txt && echo 3 > b/three.log && chmod 750 a && chown 5:6 a

${head}SNAPSHOT chosen
RUN mkdir -p /parents/a && chmod 700 /parents/a
COPY --from=maker --exclude=**/*.log --exclude=a/deep /tree /excluded
COPY --from=maker --parents /tree/./**/*.txt /parents/
COPY --from=maker --parents --if-exists /nowhere /tree/b /whole/
`,
    });
    const bake = await project.bake(["--checkpoint=final"]);
    expect(bake.result.exitCode, bake.result.stderr).toBe(0);
    const look =
      "find /excluded /parents /whole | sort; cat /parents/a/one.txt /parents/a/deep/two.txt; stat -c '%u %a' /parents/a /excluded/a";
    expect(await project.run("chosen", ["sh", "-c", look])).toBe(
      [
        "/excluded",
        "/excluded/a",
        "/excluded/a/one.txt",
        "/excluded/b",
        "/parents",
        "/parents/a",
        "/parents/a/deep",
        "/parents/a/deep/two.txt",
        "/parents/a/one.txt",
        "/whole",
        "/whole/tree",
        "/whole/tree/b",
        "/whole/tree/b/three.log",
        "1",
        "2",
        "0 700",
        "5 750",
        "",
      ].join("\n"),
    );
  });
});

describe("ADD", () => {
  test("unpacks archives, downloads what has the checksum, and checks out repositories", async () => {
    const archive = gzipSync(await tarOfTools());
    const download = Buffer.from("downloaded\n");
    const server = createServer((_, response) => response.end(download));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    try {
      await using project = await bakeProject({ "archive.tar.gz": "" });
      await writeFile(join(project.folder, "archive.tar.gz"), archive);
      const repository = await GitRepository.create(join(project.folder, "repository.git"));
      await repository.commit({ "README.md": "read me\n", "src/main.c": "int main;\n" });
      const checksum = `sha256:${createHash("sha256").update(download).digest("hex")}`;
      await project.write({
        ".lightignore": "repository.git\n",
        Lightfile: `${head}SNAPSHOT added
RUN mkdir -p /opt/real && ln -s real /opt/lib
ADD archive.tar.gz /opt/
ADD --unpack=false archive.tar.gz /packed/
ADD --chown=9:9 archive.tar.gz /owned
ADD --checksum=${checksum} http://127.0.0.1:${port}/file.txt /got/
ADD ${repository.url}#main:src /src
`,
      });
      const bake = await project.bake(["--checkpoint=final"]);
      expect(bake.result.exitCode, bake.result.stderr).toBe(0);
      const look =
        "cat /opt/real/linked /opt/bin/link /got/file.txt /src/main.c; stat -c '%n %u:%g %a %h' /opt/bin/tool /owned/bin/tool; " +
        "ls /packed; readlink /opt/lib";
      expect(await project.run("added", ["sh", "-c", look])).toBe(
        "linked\ntool\ndownloaded\nint main;\n" +
          "/opt/bin/tool 7:8 4755 2\n/owned/bin/tool 9:9 4755 2\narchive.tar.gz\nreal\n",
      );
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  test("refuses an archive that leads out of its place, and writes nothing of what follows", async () => {
    const tar = pack();
    tar.entry({ name: "here", type: "symlink", linkname: "/etc" });
    tar.entry({ name: "here/passwd" }, "owned\n");
    tar.finalize();
    await using project = await bakeProject({ Lightfile: `${head}SNAPSHOT refused\nADD evil.tar /\n` });
    await writeFile(join(project.folder, "evil.tar"), await buffer(tar));
    const bake = await project.bake();
    expect(bake.result.exitCode).toBe(1);
    const failed = bake.events.find((event) => event.kind === "step-failed");
    expect(failed?.reason).toMatchObject({ kind: "refused", code: "ArchivePathRefused" });
  });
});

async function tarOfTools(): Promise<Buffer> {
  const tar = pack();
  const owned = { uid: 7, gid: 8 };
  tar.entry({ name: "bin/", type: "directory", mode: 0o755, ...owned });
  tar.entry({ name: "bin/tool", mode: 0o4755, ...owned }, "tool\n");
  tar.entry({ name: "bin/same", type: "link", linkname: "bin/tool", ...owned });
  tar.entry({ name: "bin/link", type: "symlink", linkname: "tool", ...owned });
  tar.entry({ name: "lib/linked", mode: 0o644, ...owned }, "linked\n");
  tar.finalize();
  return buffer(tar);
}
