import { expect, test } from "vitest";
import { planText, shown } from "../../support/planned.ts";

function referencesIn(text: string, options: Parameters<typeof planText>[1] = {}): readonly string[] {
  return planText(text, options).references.map(({ reference }) => reference);
}

test("the images of the stages that the target needs, each once, after expansion", () => {
  const text = [
    "ARG VERSION=12",
    "FROM debian:$VERSION AS one",
    "FROM unused AS two",
    "FROM debian:$VERSION AS three",
    "FROM one",
    "ARG TOOLS=alpine",
    "COPY --from=$TOOLS:3 /a /b",
    "COPY --from=three /a /b",
  ].join("\n");
  expect(referencesIn(text)).toEqual(["debian:12", "alpine:3"]);
  expect(referencesIn(text, { target: "two" })).toEqual(["unused"]);
  expect(referencesIn(text, { buildArguments: { VERSION: "13", TOOLS: "wolfi" } })).toEqual([
    "debian:13",
    "wolfi:3",
  ]);
});

test("each knows its place, and the stage that may have been meant", () => {
  const text = "FROM a AS builder\nFROM buidler\n";
  const [reference] = planText(text).references;
  expect(text.slice(reference?.range.start, reference?.range.end)).toBe("buidler");
  expect(reference?.hint).toBe(
    "no stage is named buidler, so it is an image; did you mean the stage builder?",
  );
  expect(planText("FROM a AS builder\nFROM buidler:1\n").references[0]?.hint).toBeNull();
  const used = planText("FROM a:1 AS app.web\nFROM b:1\nCOPY --from=app.wbe /a /b\n").references.at(-1);
  expect(used).toMatchObject({ reference: "app.wbe", hint: expect.stringContaining("the stage app.web?") });
});

test("errors that need no image are told before any is looked up, warnings later", () => {
  const { earlyDiagnostics } = planText(
    "FROM a\nCOPY --link a /a\nRUN --mount=type=tmpfs,target=/ x\nEXPOSE no\n",
  );
  expect(shown(earlyDiagnostics)).toEqual([
    expect.stringContaining("error InvalidMountField 3:24 target=/"),
    expect.stringContaining("error InvalidPort 4:8"),
  ]);
});

test("what rests on a variable of the base image is judged only once the image is known", () => {
  const text = [
    "FROM a AS one",
    "ENV HOME_OF=$FROM_IMAGE",
    "FROM one",
    "USER $HOME_OF",
    "WORKDIR $FROM_IMAGE",
    `ENV X=$${"{FROM_IMAGE:?missing}"}`,
    "USER $X",
    `EXPOSE $${"{FROM_IMAGE:+80}"}x`,
    "USER $LATER",
  ].join("\n");
  const { earlyDiagnostics, diagnostics } = planText(text, {
    configuration: { environment: { FROM_IMAGE: "app" } },
  });
  expect(earlyDiagnostics).toEqual([]);
  expect(shown(diagnostics).filter((line) => line.startsWith("error"))).toEqual([
    expect.stringContaining("error InvalidPort 8:8"),
    expect.stringContaining('error InvalidUser 9:6 $LATER | "" is no user'),
  ]);
});

test("an image whose name only another image knows is an error that says so", () => {
  const { diagnostics } = planText("FROM a\nCOPY --from=$TOOLS /x /y\n", {
    configuration: { environment: { TOOLS: "tools:1" } },
  });
  expect(shown(diagnostics)).toEqual([
    "error BaseNotResolved 2:6 --from=$TOOLS | the image tools:1 was not looked up | an image's name must not depend on a variable that another image sets; name it with an ARG",
  ]);
});

test.each([
  [`ENV a=$NOPE b=\${c`, "error BadSubstitution 2:15"],
  ["LABEL a=$NOPE ''=b", "error BlankName 2:15 ''"],
  ["EXPOSE $P 99999", "error InvalidPort 2:11 99999"],
  ['VOLUME $P ""', 'error BlankPath 2:11 ""'],
  ["COPY --chmod=9 $P /x", "error InvalidMode 2:6 --chmod=9"],
  ["RUN --mount=target=$P --mount=type=tmpfs,target=/ x", "error InvalidMountField 2:42 target=/"],
  ["RUN --mount=target=$P --timeout=5 x", "error InvalidDuration 2:23 --timeout=5"],
])("a variable that the image may set does not hide what is wrong without it: %s", (line, expected) => {
  expect(shown(planText(`FROM a\n${line}\n`).earlyDiagnostics)).toEqual([expect.stringContaining(expected)]);
});

test.each([
  `ENV a=\${NOPE:?gone}`,
  `LABEL a=\${b#$NOPE}`,
  "EXPOSE $P",
  "ADD --checksum=sha256:aa $URL /x",
  "RUN --mount=target=/a$P --mount=target=/a$Q x",
])("what such a variable may mend is not judged before: %s", (line) => {
  expect(planText(`FROM a\n${line}\n`).earlyDiagnostics).toEqual([]);
});
