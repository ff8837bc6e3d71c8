import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bakeProject } from "../support/bake-project.ts";
import { endToEndHome } from "../support/end-to-end-home.ts";
import { lightbox, startLightbox } from "../support/lightbox-command.ts";
import { startSshAgent, writeSshAdd } from "../support/ssh-agent.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

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
    const bake = await project.bake(["--checkpoint=final"]);
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

  test("of an ssh agent lends it to the step alone, whoever runs it, and leaves nothing of it", async () => {
    await using project = await bakeProject({
      Lightfile: `${head}SNAPSHOT agents
COPY tools /
COPY key.pub /key.pub
RUN --mount=type=ssh,required,mode=0640,uid=5,gid=6 <<'EOT'
echo "$SSH_AUTH_SOCK" > /seen
stat -c '%u %g %a %F' "$SSH_AUTH_SOCK" >> /seen
ssh-add -l >> /seen
for count in 1 2 3 4 5 6 7 8; do ssh-add -T /key.pub || exit 1; done
ls /dev/.lightbox-agents | wc -l >> /seen
EOT
USER 7
RUN --network=none --mount=type=ssh,id=other,uid=7,target=/run/own/agent ssh-add -T /key.pub && echo "$SSH_AUTH_SOCK" > /tmp/own
USER 0
RUN cat /tmp/own >> /seen; ls -d /run/ssh-agent.0 /run/own 2>/dev/null >> /seen; echo "[$SSH_AUTH_SOCK]" >> /seen
RUN --mount=type=ssh,id=absent echo "[$SSH_AUTH_SOCK]" >> /seen
`,
    });
    await using own = await temporaryFolder();
    await using agent = await startSshAgent(own.path);
    await project.write({ "key.pub": agent.publicKey });
    await writeSshAdd(join(project.folder, "tools"));
    const bake = await project.bake(["--ssh=default", `--ssh=other=${agent.socketPath}`], {
      environment: { SSH_AUTH_SOCK: agent.socketPath },
    });
    expect(bake.result.exitCode, bake.result.stderr + bake.result.stdout).toBe(0);
    const [first, ...rest] = ["/run/ssh-agent.0", "5 6 640 socket", agent.fingerprint];
    const leftovers = "find / -xdev -type s; ls -d /dev/.lightbox-agents /run/own 2>/dev/null; true";
    expect(await project.run("agents", ["sh", "-c", `cat /seen; ${leftovers}`])).toBe(
      `${[first, ...rest, "0", "/run/own/agent", "[]", "[]"].join("\n")}\n`,
    );
    for (const text of [agent.socketPath, agent.privateKey.split("\n")[1] ?? ""]) {
      expect(await filesWith(endToEndHome(), text)).toEqual([]);
    }

    // Neither which agent it was nor that there was one has an effect on what is cached.
    const again = await project.bake();
    expect([again.ran, again.result.exitCode]).toEqual([[], 0]);
  });

  test("of an ssh agent that dies ends what the step does with it, not the step", async () => {
    await using project = await bakeProject({
      Lightfile: `${head}SNAPSHOT dying
COPY tools /
RUN --mount=type=ssh,required <<'EOT'
ssh-add -l && echo a"live"
for count in $(seq 300); do ssh-add -l >/dev/null 2>&1 || break; sleep 0.2; done
ssh-add -l && exit 1
echo gone > /seen
EOT
`,
    });
    await using own = await temporaryFolder();
    await using agent = await startSshAgent(own.path);
    await writeSshAdd(join(project.folder, "tools"));
    const running = startLightbox([
      "bake",
      project.folder,
      "--progress=plain",
      `--ssh=default=${agent.socketPath}`,
    ]);
    await running.untilOutput("alive");
    await agent.stop();
    const result = await running.result;
    expect(result.exitCode, result.stderr + result.stdout).toBe(0);
    expect(await project.run("dying", ["cat", "/seen"])).toBe("gone\n");
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
