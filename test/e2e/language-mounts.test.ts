import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bakeProject } from "../support/bake-project.ts";
import { endToEndHome } from "../support/end-to-end-home.ts";
import { lightbox } from "../support/lightbox-command.ts";

const head = "FROM BASE\nRESOURCES cpus=1 memory=256M disk=1G\n";

describe("RUN --mount", () => {
  test("of memory and files is there for the step alone, and leaves nothing in its layer", async () => {
    await using project = await bakeProject({
      Lightfile: `FROM BASE AS maker
RESOURCES cpus=1 memory=256M disk=1G
RUN mkdir -p /out/sub && echo made > /out/sub/made && ln -s sub/made /out/link

${head}SNAPSHOT mounted
RUN mkdir /there && echo below > /there/file
RUN --mount=type=tmpfs,target=/memory/deep,size=1m --mount=type=tmpfs,target=/there \\
    df -k /memory/deep | tail -n 1 | awk '{print $2}' > /size && touch /memory/deep/x /there/y && ls /there > /seen
RUN --mount=source=src,target=/src --mount=from=maker,source=/out,target=/stage,rw --mount=source=one.txt,target=/etc/one.txt <<EOT
cat /src/a/b.txt /stage/link /etc/one.txt > /read
stat -c %a /src/tool.sh >> /read
touch /src/new 2>/dev/null && exit 1
touch /etc/one.txt 2>/dev/null && exit 1
echo changed > /stage/sub/made && cat /stage/link >> /read
ls /dev/.lightbox-scratch 2>/dev/null | wc -l >> /read
EOT
RUN --mount=from=maker,source=/out,target=/stage cat /stage/link > /again
`,
      "one.txt": "one\n",
      "src/a/b.txt": "b\n",
      "src/tool.sh": "#!/bin/sh\n",
    });
    const bake = await project.bake();
    expect(bake.result.exitCode, bake.result.stderr).toBe(0);
    const look =
      "cat /size /seen /read /again; ls /there; ls -d /memory /src /stage /etc/one.txt 2>/dev/null; mount | grep -c lightbox";
    expect(await project.run("mounted", ["sh", "-c", `${look}; true`])).toBe(
      "1024\ny\nb\nmade\none\n644\nchanged\n0\nmade\nfile\n0\n",
    );
  });

  test("of a cache keeps what steps that succeeded left, and prune takes it away", async () => {
    const lightfile = (commands: string): string => `${head}SNAPSHOT cached
RUN --mount=type=cache,id=language-mounts,target=/cache/deep,uid=5,gid=6,mode=0750 <<'EOT'
${commands}
EOT
RUN test ! -e /cache
`;
    await using project = await bakeProject({
      Lightfile: lightfile(`[ "$(stat -c '%u %g %a' /cache/deep)" = "5 6 750" ]
mkdir /cache/deep/d
echo first > /cache/deep/d/f
chown 7:8 /cache/deep/d/f
ln -s d/f /cache/deep/l`),
    });
    const succeeds = async (words: readonly string[] = []): Promise<void> => {
      const bake = await project.bake(words);
      expect(bake.result.exitCode, bake.result.stderr + bake.result.stdout).toBe(0);
    };
    await succeeds();

    await project.write({ Lightfile: lightfile("echo half > /cache/deep/d/f\nexit 1") });
    expect((await project.bake()).result.exitCode).toBe(1);

    await project.write({
      Lightfile: lightfile(`[ "$(cat /cache/deep/l)" = first ]
[ "$(stat -c '%u %g %a' /cache/deep/d/f)" = "7 8 644" ]
[ "$(stat -c '%u %g %a' /cache/deep)" = "5 6 750" ]`),
    });
    await succeeds();

    const prune = await lightbox(["prune"]);
    expect(prune.exitCode, prune.stderr).toBe(0);
    await project.write({ Lightfile: lightfile(`[ -z "$(ls /cache/deep)" ]`) });
    await succeeds();
  });

  test("of a volume is the sandboxes' own, and none of it is in a layer", async () => {
    await using project = await bakeProject({
      Lightfile: `${head}SNAPSHOT volumes
RUN --mount=type=volume,source=language-mounts,target=/data echo kept > /data/file
RUN --mount=type=volume,source=language-mounts,target=/data,ro cat /data/file > /read; touch /data/x 2>/dev/null || echo read-only >> /read
RUN test ! -e /data && test -z "$(ls /dev/.lightbox-volumes)"
RUN test "$(cat /read)" = "$(printf 'kept\\nread-only')"
`,
    });
    const bake = await project.bake(["--checkpoint=final"]);
    expect(bake.result.exitCode, bake.result.stderr).toBe(0);
    const result = await lightbox([
      "run",
      "--rm",
      "-v",
      "language-mounts:/data",
      "volumes",
      "--",
      "cat",
      "/data/file",
    ]);
    expect(result.stdout, result.stderr).toBe("kept\n");
  });

  test("of a secret is in no layer, log, key, event or snapshot", async () => {
    const secret = `hunter2-${process.pid}-${"s3cr3t".repeat(4)}`;
    await using project = await bakeProject({
      Lightfile: `${head}SNAPSHOT secretive
RUN --mount=type=secret,id=token,mode=0444 --mount=type=secret,id=token,env=TOKEN <<EOT
cat /run/secrets/token
echo "$TOKEN" >&2
stat -c %a /run/secrets/token > /seen
[ "$(cat /run/secrets/token)" = "$TOKEN" ] && echo same >> /seen
printf %s "$TOKEN" | wc -c >> /seen
EOT
RUN --mount=type=secret,id=absent ls /run/secrets >> /seen 2>/dev/null; echo "[$TOKEN]" >> /seen
`,
      "token.txt": secret,
    });
    const bake = await project.bake(["--secret", `id=token,src=${join(project.folder, "token.txt")}`]);
    expect(bake.result.exitCode, bake.result.stderr).toBe(0);
    expect(bake.result.stdout + bake.result.stderr).not.toContain(secret);
    const look = `cat /seen; grep -rl hunter2-${process.pid} /etc /run /tmp /root /seen; env | grep -c hunter2; true`;
    expect(await project.run("secretive", ["sh", "-c", look])).toBe(`444\nsame\n${secret.length}\n[]\n0\n`);
    for (const words of [
      ["logs", project.folder, "1"],
      ["snapshots", "inspect", "secretive"],
    ]) {
      const shown = await lightbox(words);
      expect(shown.stdout + shown.stderr).not.toContain(secret);
    }
    expect(await filesWith(endToEndHome(), secret)).toEqual([]);

    // What the value is has no effect on what is cached.
    await project.write({ "token.txt": "another value" });
    const again = await project.bake(["--secret", `id=token,src=${join(project.folder, "token.txt")}`]);
    expect(again.ran).toEqual([]);
  });
});

/** Files of this host below a folder that hold the text; those of an emulated machine's disk are among them. */
async function filesWith(folder: string, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    if (!path.includes("machine") && (await readFile(path)).includes(text)) found.push(path);
  }
  return found;
}
