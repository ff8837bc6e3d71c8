import { describe, expect, test } from "vitest";
import { definitionsOf, inStage, mistakesIn, planOf, stepsOf } from "../../support/planned.ts";

function copyOf(...lines: readonly string[]) {
  const definition = definitionsOf(inStage(...lines)).at(-1);
  if (definition?.kind !== "copy") throw new Error("the last step is no COPY");
  return definition;
}

test("sources and destination are expanded, and the destination starts at WORKDIR", () => {
  const text = inStage("WORKDIR /app", "ARG D=src", "ENV X=out", "COPY $D/a.txt $X/b.txt");
  const [step] = stepsOf(text);
  expect(step?.definition).toMatchObject({
    source: { kind: "context", patterns: [{ kind: "path", pattern: "src/a.txt" }] },
    destination: "/app/out/b.txt",
    destinationIsDirectory: false,
    owner: null,
    mode: null,
    directories: [{ path: "/app", user: "root" }],
  });
  expect(step?.variables).toEqual({ D: "src", X: "out" });
});

test.each([
  ["COPY a /x/", "/x", true],
  ["COPY a .", "/", true],
  ["COPY a ./", "/", true],
  ["COPY a /x/..", "/", true],
  ["COPY a /x", "/x", false],
  ["COPY a /x.", "/x.", false],
  ["COPY a b /x/", "/x", true],
  ['COPY ["a b", "/x y"]', "/x y", false],
])("%s goes to %s, as a directory: %s", (line, destination, destinationIsDirectory) => {
  expect(copyOf(line)).toMatchObject({ destination, destinationIsDirectory });
});

test.each([
  ["COPY a /etc/hosts", "/etc/hosts"],
  ["COPY hosts /etc/", "/etc/hosts"],
  ["COPY --parents x/./etc/resolv.conf /", "/etc/resolv.conf"],
  ["COPY <<hostname /etc/\nbox\nhostname", "/etc/hostname"],
  ["COPY a /proc/sys/", "/proc/sys"],
  ["WORKDIR /dev\nADD a .", "/dev"],
])("%s is told to have no effect, since %s is the machine's", (line, place) => {
  const [mistake] = mistakesIn(inStage(line));
  expect(mistake).toContain("warning NoEffect");
  expect(mistake).toContain(`| ${place} is the machine's own, and no layer keeps what is copied there`);
});

test.each([
  "COPY dev /",
  "COPY hosts /srv/",
  "COPY etc/hosts /etc/hosts.d/x",
  "COPY a /devices/",
  "COPY *.conf /etc/",
])("%s goes to the disk, and nothing is said", (line) => expect(mistakesIn(inStage(line))).toEqual([]));

test("the patterns know their place in the file", () => {
  const text = inStage("COPY one two /x/");
  const definition = definitionsOf(text)[0];
  const source = definition?.kind === "copy" ? definition.source : null;
  const patterns = source?.kind === "context" ? source.patterns : [];
  const words = patterns.map((one) =>
    one.kind === "path" ? text.slice(one.range.start, one.range.end) : "",
  );
  expect(words).toEqual(["one", "two"]);
});

test.each([
  ["--chown=app", { user: "app", group: null }],
  ["--chown=app:staff", { user: "app", group: "staff" }],
  ["--chown=:staff", { user: "0", group: "staff" }],
  ["--chown=1000:0", { user: "1000", group: "0" }],
])("COPY %s", (flag, owner) => {
  expect(copyOf(`COPY ${flag} a /x`).owner).toEqual(owner);
});

test.each([
  ["755", { kind: "octal", bits: 0o755 }],
  ["04755", { kind: "octal", bits: 0o4755 }],
  ["u=rwX,go=rX", { kind: "symbolic", expression: "u=rwX,go=rX" }],
  ["a+r,u-x", { kind: "symbolic", expression: "a+r,u-x" }],
  ["g=u", { kind: "symbolic", expression: "g=u" }],
])("COPY --chmod=%s", (mode, expected) => {
  expect(copyOf(`COPY --chmod=${mode} a /x`).mode).toEqual(expected);
});

test("--chown and --chmod are expanded", () => {
  const copy = copyOf("ARG ID=7", "ARG M=644", "COPY --chown=$ID:$ID --chmod=$M a /x");
  expect(copy).toMatchObject({ owner: { user: "7", group: "7" }, mode: { bits: 0o644 } });
});

describe("heredoc sources", () => {
  test("are expanded by the builder, quotes kept, and only a dollar and a backslash can be escaped", () => {
    const { source } = copyOf(
      "ENV NAME=world",
      "COPY <<hello.txt /x/",
      `say "hello $NAME" '\${NAME}' \\$NAME \\\\ \\n \`x\` \${NONE:-"d"}`,
      "hello.txt",
    );
    expect(source).toMatchObject({
      patterns: [
        {
          kind: "inline",
          name: "hello.txt",
          content: 'say "hello world" \'world\' $NAME \\ \\n `x` "d"\n',
        },
      ],
    });
  });

  test("stay as they are when the delimiter is quoted", () => {
    const { source } = copyOf("COPY <<'EOF' b /x/", "$A \\$B", "EOF");
    expect(source).toMatchObject({
      patterns: [
        { kind: "inline", name: "EOF", content: "$A \\$B\n" },
        { kind: "path", pattern: "b" },
      ],
    });
  });

  test("name the destination when there is one and no slash", () => {
    const copy = copyOf("COPY <<EOF /etc/app.conf", "a=1", "EOF");
    expect(copy).toMatchObject({ destination: "/etc/app.conf", destinationIsDirectory: false });
  });
});

describe("--from", () => {
  const text = (from: string) =>
    `FROM a AS tools\nRUN x\nFROM b\nARG S=tools\nCOPY --from=${from} /bin/x y* /x/\n`;

  test.each(["tools", "TOOLS", "0", "$S"])("takes a stage: %s", (from) => {
    const [, final] = planOf(text(from)).stages;
    expect(final?.steps[0]?.definition).toMatchObject({
      source: { kind: "stage", index: 0, paths: ["/bin/x", "y*"] },
    });
  });

  test("takes an image, whose name is looked up with the bases", () => {
    const plan = planOf(text("busybox:1"));
    expect(plan.stages).toHaveLength(1);
    expect(plan.stages[0]?.steps[0]?.definition).toMatchObject({
      source: { kind: "image", image: { reference: "busybox:1" }, paths: ["/bin/x", "y*"] },
    });
  });

  test("cannot read a later stage, its own stage or one that is not there", () => {
    const file = (from: string) =>
      `FROM a AS one\nCOPY --from=${from} x /x\nFROM b AS two\nFROM two AS three\nCOPY --from=one x /x\n`;
    expect(mistakesIn(file("two"), { target: "one" })).toEqual([
      "error StageDefinedLater 2:6 --from=two | stage two comes after this one | move that stage up: a stage reads only stages before it",
    ]);
    expect(mistakesIn(file("three"), { target: "one" })).toEqual([
      "error ReferenceCycle 2:6 --from=three | stage three needs this one, which would then need itself | move what both stages need into a third one above them",
    ]);
    expect(mistakesIn(file("one"), { target: "one" })).toEqual([
      "error CircularStage 2:6 --from=one | stage one copies from itself | within a stage, copy with RUN cp",
    ]);
    expect(mistakesIn(file("7"), { target: "one" })).toEqual([
      "error UnknownStage 2:6 --from=7 | there is no stage number 7 | this is stage 0, and stages are numbered from 0; a name is safer",
    ]);
  });
});

test("ADD unpacks archives unless it is told not to; COPY never does", () => {
  expect(copyOf("ADD a /x").source).toMatchObject({ kind: "context", unpacks: "auto" });
  expect(copyOf("ADD --unpack a /x").source).toMatchObject({ unpacks: "always" });
  expect(copyOf("ADD --unpack=false a /x").source).toMatchObject({ unpacks: "never" });
  expect(copyOf("COPY a /x").source).toMatchObject({ unpacks: "never" });
});

test("flags of the selection reach the files of the context and of a stage alike", () => {
  const flags = "--parents --exclude=*.md --exclude=!a.md --if-exists";
  expect(copyOf(`COPY ${flags} a /x`)).toMatchObject({
    source: {
      kind: "context",
      excludes: [{ pattern: "*.md" }, { pattern: "!a.md" }],
      keepsParents: true,
      ifExists: true,
    },
    destinationIsDirectory: true,
  });
  const [, final] = planOf(`FROM a AS t\nRUN x\nFROM a\nCOPY --from=t ${flags} a /x\n`).stages;
  expect(final?.steps[0]?.definition).toMatchObject({
    source: { kind: "stage", paths: ["a"], excludes: ["*.md", "!a.md"], keepsParents: true, ifExists: true },
  });
});

describe("ADD of what is elsewhere", () => {
  const patternOf = (line: string) => {
    const { source } = copyOf(line);
    return source.kind === "context" ? source.patterns[0] : undefined;
  };
  const sum = `sha256:${"0".repeat(64)}`;

  test("a URL: without what follows #, named for the end of its path", () => {
    expect(patternOf(`ADD --checksum=${sum} https://example.org/a/tool%20x.tgz?v=1#here /x/`)).toMatchObject({
      kind: "url",
      url: "https://example.org/a/tool%20x.tgz?v=1",
      name: "tool x.tgz",
      checksum: sum,
    });
    expect(patternOf("ADD https://example.org/a /x")).toMatchObject({ checksum: null, name: "a" });
  });

  test.each([
    ["https://example.org/a/b.git", "https://example.org/a/b.git", null, ""],
    ["https://example.org/a/b.git#v1:docs/", "https://example.org/a/b.git", "v1", "docs"],
    ["git@example.org:a/b.git#:docs", "git@example.org:a/b.git", null, "docs"],
    ["ssh://git@example.org/a", "ssh://git@example.org/a", null, ""],
    ["https://example.org/a.git?ref=v1&subdir=docs", "https://example.org/a.git", "v1", "docs"],
    ["https://example.org/a.git?tag=v1", "https://example.org/a.git", "refs/tags/v1", ""],
    [
      "https://example.org/a.git?branch=refs/heads/b#:docs",
      "https://example.org/a.git",
      "refs/heads/b",
      "docs",
    ],
    [`https://example.org/a.git?commit=${"a".repeat(40)}`, "https://example.org/a.git", "a".repeat(40), ""],
    ["file:///srv/a.git#main", "file:///srv/a.git", "main", ""],
  ])("a repository: %s", (written, repository, ref, path) => {
    expect(patternOf(`ADD ${written} /x/`)).toMatchObject({ kind: "git", repository, ref, path });
  });

  test("a repository's checksum is what its commit begins with", () => {
    expect(
      patternOf("ADD https://example.org/a.git?ref=v1&checksum=ABCDEF0&keep-git-dir=1 /x/"),
    ).toMatchObject({
      ref: "v1",
      commitPrefix: "abcdef0",
      keepsGitDirectory: true,
    });
    expect(patternOf("ADD --checksum=ABCDEF0 --keep-git-dir https://example.org/a.git /x/")).toMatchObject({
      commitPrefix: "abcdef0",
      keepsGitDirectory: true,
    });
  });
});

test.each([
  [
    "COPY a b /x",
    "error DestinationNotDirectory 2:10 /x | 2 sources cannot go to the one name /x | end it with a slash to copy into a directory: /x/",
  ],
  ["COPY --chown=a:b:c a /x", "error InvalidOwner 2:6 --chown=a:b:c | --chown=a:b:c names no owner"],
  ["COPY --chown 1:1 a /x", "error MissingFlagValue"],
  ["COPY --chown=: a /x", "error InvalidOwner"],
  ["COPY --chown=99999999999 a /x", "error InvalidOwner"],
  ["COPY --chmod=999 a /x", "error InvalidMode 2:6 --chmod=999 | --chmod=999 is no mode"],
  ["COPY --chmod=17777 a /x", "error InvalidMode"],
  ["COPY --chmod=u+q a /x", "error InvalidMode"],
  ["COPY --exclude=a[ a /x/", "error InvalidPattern 2:6 --exclude=a["],
  ["COPY --link a /x", "warning NoEffect 2:6 --link | --link of COPY changes nothing here"],
  [
    "COPY https://example.org/a /x",
    "error RemoteSourceInCopy 2:6 https://example.org/a | COPY does not fetch",
  ],
  ["COPY git@example.org:a.git /x", "error RemoteSourceInCopy 2:6 git@example.org:a.git"],
  ["ADD https:///%%% /x", "error InvalidUrl 2:5 https:///%%%"],
  ["ADD https://me:secret@example.org/a /x", "error SecretInUrl 2:5"],
  ["ADD https:///me:secret@example.org/a /x", "error SecretInUrl 2:5"],
  ["ADD https:///token@example.org/a.git /x", "error SecretInUrl 2:5"],
  ["ADD ssh://me:secret@example.org:team/a.git /x", "error SecretInUrl 2:5"],
  ["ADD https://example.org/ /x/", "error NamelessUrl 2:5 https://example.org/"],
  ["ADD --checksum=md5:1 https://example.org/a /x", "error InvalidChecksum 2:5 --checksum=md5:1"],
  ["ADD https://example.org/a.git?commit=xyz /x", "error InvalidChecksum 2:5"],
  ["ADD --checksum=xyz https://example.org/a.git /x", "error InvalidChecksum 2:5"],
  [`ADD --checksum=sha256:${"0".repeat(64)} a /x`, "error InvalidChecksum 2:5"],
  ["ADD https://example.org/a.git#main:../x /x", "error OutsideContext 2:5"],
  ["ADD --from=busybox a /x", "error FromInAdd 2:5 --from=busybox"],
  ["ADD --keep-git-dir a /x", "warning NoEffect 2:5 --keep-git-dir"],
  ['COPY "$EMPTY" /x', "error BlankPath"],
  ["COPY a $EMPTY", "error BlankPath 2:8 $EMPTY | the destination of COPY is empty"],
  ["COPY --from=scratch a /x", "error UnsupportedBase"],
])("%s: %s", (line, expected) => {
  const mistakes = mistakesIn(inStage(line)).filter((mistake) => !mistake.includes("UndefinedVar"));
  expect(mistakes).toHaveLength(1);
  expect(mistakes[0]).toContain(expected);
});

describe("a heredoc with --from", () => {
  const copy = (line: string) => `FROM a AS one\nRUN x\nFROM b\n${line}\nbody\nEOF\n`;

  test("is a file of this Lightfile, as without the flag, and the stage is not baked for it", () => {
    const definition = (line: string) => stepsOf(copy(line)).at(-1)?.definition;
    expect(definition("COPY --from=one <<EOF /x")).toEqual(definition("COPY <<EOF /x"));
    expect(mistakesIn(copy("COPY --from=one <<EOF /x"))).toEqual([
      expect.stringContaining("warning NoEffect 4:6 --from=one"),
    ]);
    expect(planOf(copy("COPY --from=one <<EOF /x")).stages).toHaveLength(1);
  });

  test("is an error beside what is taken from the stage", () => {
    expect(mistakesIn(copy("COPY --from=one /y <<EOF /x/"))).toEqual([
      expect.stringContaining("error HeredocWithFrom 4:22 EOF"),
    ]);
  });
});
