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
    const look =
      "cat who where home /heredoc /script; stat -c '%u %a' /made/by/workdir /made/by/workdir/owned";
    expect(await project.run("instructions", ["sh", "-c", look])).toBe(
      "1234\n/made/by/workdir/owned\n/home/builder\nvalue\nscript ran\n0 755\n1234 755\n",
    );
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
    const look =
      "cat /renamed /into/plain.txt /owned/deep/file /from-stage/link /inline; " +
      "stat -c '%n %u:%g %a' /renamed /owned/deep/file /from-stage/made";
    expect(await project.run("copies", ["sh", "-c", look])).toBe(
      "plain\nplain\ndeep\nmade\ninline content\n" +
        "/renamed 0:0 644\n/owned/deep/file 5:6 600\n/from-stage/made 7:8 640\n",
    );
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

  test("what the runtime makes in the guest, and what a step leaves running, stays out of layers", async () => {
    await using project = await bakeProject({
      Lightfile: `FROM BASE AS ran
RESOURCES cpus=1 memory=256M disk=1G
RUN (while true; do echo tick >> /ticks; sleep 0.2; done) & sleep 1
RUN wc -l < /ticks > /first && sleep 2 && wc -l < /ticks > /second

${head}SNAPSHOT quiet
COPY --from=BASE / /bare/
COPY --from=ran / /ran/
RUN diff -r /bare /ran > /difference; true
`,
    });
    const bake = await project.bake(["--checkpoint=every"]);
    expect(bake.result.exitCode, bake.result.stderr).toBe(0);
    // The loop that the first step left behind had ended before the second began: both counted the same.
    expect(await project.run("quiet", ["sh", "-c", "cat /difference; cmp /ran/first /ran/second"])).toBe(
      "Only in /ran: first\nOnly in /ran: second\nOnly in /ran: ticks\n",
    );
  });
});
