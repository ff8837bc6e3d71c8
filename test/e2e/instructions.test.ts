import { describe, expect, test } from "vitest";
import { bakeProject } from "../support/bake-project.ts";

const head = "FROM BASE\nRESOURCES cpus=1 memory=256M disk=1G\n";

describe("instructions", () => {
  test("USER, WORKDIR, ENV, SHELL and heredocs have the effect that a Dockerfile's have", async () => {
    await using project = await bakeProject({
      Lightfile: `${head}SNAPSHOT instructions
RUN echo 'builder:x:1234:1234::/home/builder:/bin/sh' >> /etc/passwd && echo 'builder:x:1234:' >> /etc/group
WORKDIR /made/by/workdir
USER builder
WORKDIR owned
RUN id -u > who && pwd > where && echo "$HOME" > home
USER root
ENV NAME=value
SHELL ["/bin/sh", "-e", "-c"]
RUN <<EOT
echo "$NAME" > /heredoc
EOT
RUN <<'EOT'
#!/bin/sh
echo "script by $0" | sed 's/ .*/ ran/' > /script
EOT
LABEL purpose=test
USER builder
CMD ["sh", "-c", "id -u; pwd; echo $NAME"]
`,
    });
    const bake = await project.bake();
    expect(bake.result.exitCode, bake.result.stderr).toBe(0);
    expect(await project.run("instructions", ["cat", "who", "where", "home", "/heredoc", "/script"])).toBe(
      "1234\n/made/by/workdir/owned\n/home/builder\nvalue\nscript ran\n",
    );
    expect(
      await project.run("instructions", [
        "stat",
        "-c",
        "%u %a",
        "/made/by/workdir",
        "/made/by/workdir/owned",
      ]),
    ).toBe("0 755\n1234 755\n");
    // Without a command: CMD, as USER, in WORKDIR, with ENV.
    expect(await project.run("instructions", [])).toBe("1234\n/made/by/workdir/owned\nvalue\n");
  });

  test("COPY brings files of the context and of stages, with owner and mode", async () => {
    await using project = await bakeProject({
      Lightfile: `FROM BASE AS maker
RESOURCES cpus=1 memory=256M disk=1G
RUN mkdir -p /out/sub && echo made > /out/made && ln -s made /out/link && chown 7:8 /out/made && chmod 640 /out/made

${head}SNAPSHOT copies
COPY plain.txt /renamed
COPY plain.txt tool.sh /into/
COPY --chown=5:6 --chmod=0600 folder /owned
COPY --from=maker /out /from-stage
COPY <<EOT /inline
inline content
EOT
`,
      "plain.txt": "plain\n",
      "tool.sh": "#!/bin/sh\n",
      "folder/deep/file": "deep\n",
    });
    const bake = await project.bake();
    expect(bake.result.exitCode, bake.result.stderr).toBe(0);
    expect(
      await project.run("copies", [
        "cat",
        "/renamed",
        "/into/plain.txt",
        "/owned/deep/file",
        "/from-stage/link",
        "/inline",
      ]),
    ).toBe("plain\nplain\ndeep\nmade\ninline content\n");
    expect(
      await project.run("copies", [
        "stat",
        "-c",
        "%n %u:%g %a",
        "/renamed",
        "/owned/deep/file",
        "/from-stage/made",
      ]),
    ).toBe("/renamed 0:0 644\n/owned/deep/file 5:6 600\n/from-stage/made 7:8 640\n");
  });

  test("a step without network reaches nothing, and the one after it does again", async () => {
    await using project = await bakeProject({
      Lightfile: `${head}SNAPSHOT network
RUN --network=none ls /sys/class/net | grep -v '^lo$' > /devices-without || true
RUN ls /sys/class/net | grep -v '^lo$' > /devices-with || true
`,
    });
    const bake = await project.bake();
    expect(bake.result.exitCode, bake.result.stderr).toBe(0);
    expect(
      await project.run("network", [
        "sh",
        "-c",
        "wc -l < /devices-without; test -s /devices-with && echo some",
      ]),
    ).toBe("0\nsome\n");
  });

  test("what the runtime makes in the guest stays out of layers", async () => {
    await using project = await bakeProject({
      Lightfile: `${head}SNAPSHOT quiet\nRUN true\nRUN sleep 1000 & true\n`,
    });
    const bake = await project.bake();
    expect(bake.result.exitCode, bake.result.stderr).toBe(0);
    expect(await project.run("quiet", ["sh", "-c", "ps | grep -c 'slee[p] 1000' || true"])).toBe("0\n");
  });
});
