import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BakeProject, bakeProject } from "../support/bake-project.ts";
import type { BakeReport } from "../support/lightbox-command.ts";

const head = "FROM BASE\nRESOURCES cpus=1 memory=256M disk=1G\n";

describe("instructions", () => {
  let project: BakeProject;
  let bake: BakeReport;

  beforeAll(async () => {
    project = await bakeProject({
      Lightfile: `FROM BASE AS maker
RESOURCES cpus=1 memory=256M disk=1G
RUN mkdir -p /out/sub && echo made > /out/made && ln -s made /out/link && chown 7:8 /out/made && chmod 640 /out/made

${head}SNAPSHOT instructions

# Whose steps run, where, and how.
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
RUN cat who where home /heredoc /script; stat -c '%u %a' /made/by/workdir .

# What is brought from where.
COPY plain.txt /renamed
COPY plain.txt tool.sh /into/
COPY --chown=5:6 --chmod=0600 folder /owned
COPY --from=maker /out /from-stage
COPY <<EOT /inline
inline content
EOT
RUN cat /renamed /into/plain.txt /owned/deep/file /from-stage/link /inline
RUN stat -c '%n %u:%g %a' /renamed /owned/deep/file /from-stage/made

LABEL purpose=test
USER builder
CMD ["sh", "-c", "id -u; pwd; echo $NAME"]
`,
      "plain.txt": "plain\n",
      "tool.sh": "#!/bin/sh\n",
      "folder/deep/file": "deep\n",
    });
    bake = await project.bake(["--checkpoint=final"]);
    expect(bake.result.exitCode, bake.result.stderr).toBe(0);
  });

  afterAll(() => project[Symbol.asyncDispose]());

  test("USER, WORKDIR, ENV, SHELL and heredocs have the effect on steps that a Dockerfile's have", () => {
    expect(bake.output).toContain(
      "1234\n/made/by/workdir/owned\n/home/builder\nvalue\nscript ran\n0 755\n1234 755\n",
    );
  });

  test("CMD is what a sandbox runs by itself, as USER, in WORKDIR, with ENV", async () => {
    expect(await project.run("instructions", [])).toBe("1234\n/made/by/workdir/owned\nvalue\n");
  });

  test("COPY brings files of the context and of stages, with owner and mode", () => {
    expect(bake.output).toContain(
      "plain\nplain\ndeep\nmade\ninline content\n" +
        "/renamed 0:0 644\n/owned/deep/file 5:6 600\n/from-stage/made 7:8 640\n",
    );
  });

  test("what the runtime makes in the guest, and what a step leaves running, stays out of layers", async () => {
    await using quiet = await bakeProject({
      Lightfile: `FROM BASE AS ran
RESOURCES cpus=1 memory=256M disk=1G
RUN (while true; do echo tick >> /ticks; sleep 0.2; done) & sleep 1; echo 192.0.2.1 elsewhere >> /etc/hosts
RUN ! grep elsewhere /etc/hosts && wc -l < /ticks > /first && sleep 2 && wc -l < /ticks > /second
RUN echo 192.0.2.1 elsewhere > /etc/hosts && rm /etc/resolv.conf
RUN test -e /etc/resolv.conf && ! grep elsewhere /etc/hosts

${head}SNAPSHOT quiet
# Without busybox's four hundred names.
COPY --from=BASE --exclude=**/bin --exclude=**/sbin / /bare/
COPY --from=ran --exclude=**/bin --exclude=**/sbin / /ran/
# The loop that the first step left behind had ended before the second began: both counted the same.
RUN diff -r /bare /ran; cmp /ran/first /ran/second
`,
    });
    const ran = await quiet.bake(["--checkpoint=every", "--target=ran"]);
    expect(ran.result.exitCode, ran.result.stderr).toBe(0);
    expect(ran.output).toMatch(/^lightbox: ended \/bin\/\w+, which the step left running\n$/);
    const compared = await quiet.bake(["--checkpoint=final"]);
    expect(compared.result.exitCode, compared.result.stderr).toBe(0);
    expect(compared.output).toBe("Only in /ran: first\nOnly in /ran: second\nOnly in /ran: ticks\n");
  });
});
