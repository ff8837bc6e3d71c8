import { expect, test } from "vitest";
import type { BakeEventBody } from "../../../src/bake/events.ts";
import { createJsonRenderer } from "../../../src/render/json.ts";
import { PlainRenderer } from "../../../src/render/plain.ts";
import { createQuietRenderer } from "../../../src/render/quiet.ts";
import { MemoryStream } from "./memory-stream.ts";
import { sampleEvents, sampleStory } from "./sample-events.ts";

function renderPlain(events: readonly BakeEventBody[], stream = new MemoryStream()): string {
  const renderer = new PlainRenderer(stream, {});
  for (const event of events) renderer.onEvent({ ...event, at: 0 });
  renderer.close();
  return stream.written;
}

test("a whole bake reads as lines, each step under its stage and number", () => {
  const stream = new MemoryStream();
  const renderer = new PlainRenderer(stream, {});
  for (const event of sampleStory()) renderer.onEvent(event);
  renderer.close();
  expect(`\n${stream.written}`).toBe(`
baking Lightfile
fetched https://example.org/a.tar in 1.2s
base debian:12: docker.io is asked again in 500ms: it answers with status 503
base debian:12: 1.5 MB of 50 MB pulled
base debian:12 is cdcdcdcdcdcd (asked in 412ms)
Lightfile:3:10: warning[UndefinedVar]: the variable JOBS is not set here
  3 | RUN make $JOBS
    |          ^^^^^
  hint: declare it with ARG JOBS
plan: 3 steps in 2 stages
worker lost, it is opened again: the connection to the worker was lost while steps ran
worker ready after 5.2s
[build 1/2] cached    RUN ./configure (saved 1m 2.3s)
base debian:12 is on the worker after 2.1s
[build 2/2] waiting   for another bake that runs this step
[build 2/2] booting   a builder
[build 2/2] booted    in 3.9s
[build 2/2] lost      its builder, another one starts: the microVM lightbox-build-1 ended unexpectedly
[build 2/2] run       RUN make $JOBS
[build 2/2] | cc -c main.c
[build 2/2] | main.c: 100%
[build 2/2] | linking
[build 2/2] done      in 12.3s
[build 2/2] sealed    2 steps as one layer, 51.4 MB in 130ms
[stage-1 1/1] failed    exit code 2
Lightfile:5:1: error[StepFailed]: COPY --from=build /out /opt/app
  failed: exit code 2
  | cc -c main.c
  | error: expected ';'
  hint: the builder still runs: lightbox shell debug-app-1
        look inside, as the step left the disk: lightbox debug Lightfile
[stage-1 1/1] cancelled COPY --from=build /out /opt/app
[test 1/1] test      TEST app --version
[test 1/1] | app: 1.2
[test 1/1] | no
[test 1/1] passed    in 1.5s
[test 1/1] failed    exit code 1
Lightfile:6:1: error[TestFailed]: TEST app --version
  failed: exit code 1
  | app: 1.2
  | no
  hint: a script stops at its first line that fails
published app
baked app in 21s: 2 steps run, 1 cached (saved 1m 2.3s), 1 test passed
`);
});

test("output reaches a terminal with its colours and without any other escape sequence", () => {
  const written = renderPlain(
    [
      sampleEvents.planned,
      { ...sampleEvents["step-output"], text: "\x1b[31mred\x1b[0m\n" },
      sampleEvents["step-output"],
      sampleEvents["step-completed"],
    ],
    new MemoryStream({ isTTY: true }),
  );
  expect(written).toContain("\x1b[31mred\x1b[0m");
  expect(written).not.toContain("\x1b[2J");
  expect(written).not.toContain("\x1b]0;");
  expect(written).not.toContain("\r");
});

test("NO_COLOR and pipes get no escape sequence at all", () => {
  const terminal = new MemoryStream({ isTTY: true });
  const pipe = new MemoryStream();
  for (const [stream, environment] of [
    [terminal, { NO_COLOR: "1" }],
    [pipe, {}],
  ] as const) {
    const renderer = new PlainRenderer(stream, environment);
    for (const event of sampleStory()) renderer.onEvent(event);
    expect(stream.written).not.toBe("");
    expect(stream.written).not.toContain("\x1b");
  }
});

test("a pull says how far it is only now and then", () => {
  const stream = new MemoryStream();
  const renderer = new PlainRenderer(stream, {});
  for (const at of [0, 1000, 4999, 5000, 6000]) {
    renderer.onEvent({ ...sampleEvents["base-progress"], doneBytes: at, at });
  }
  expect(stream.written.trimEnd().split("\n")).toEqual([
    "base debian:12: 0 B of 50 MB pulled",
    "base debian:12: 5 kB of 50 MB pulled",
  ]);
});

test("errors of the Lightfile are left to whoever prints the outcome", () => {
  const { diagnostic } = sampleEvents.diagnostic;
  expect(renderPlain([{ kind: "diagnostic", diagnostic: { ...diagnostic, severity: "error" } }])).toBe("");
});

test("a bake that mistakes keep from running has no last line: the mistakes come after it", () => {
  const invalid = { ...sampleEvents["bake-completed"], outcome: "invalid", snapshot: null } as const;
  expect(renderPlain([sampleEvents["bake-started"], invalid])).toBe("baking Lightfile\n");
});

test("json gives each event back, one a line", () => {
  const stream = new MemoryStream();
  const renderer = createJsonRenderer(stream);
  for (const event of sampleStory()) renderer.onEvent(event);
  const lines = stream.written.trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual(sampleStory());
});

test("quiet shows failed steps only", () => {
  const stream = new MemoryStream();
  const renderer = createQuietRenderer(stream, {});
  for (const event of sampleStory()) renderer.onEvent(event);
  expect(stream.written).toMatch(/^Lightfile:5:1: error\[StepFailed\]: COPY/);
  expect(stream.written).not.toContain("baked");
});
