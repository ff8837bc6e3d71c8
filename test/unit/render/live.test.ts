import { stripVTControlCharacters } from "node:util";
import stringWidth from "fast-string-width";
import { expect, test } from "vitest";
import type { BakeEvent } from "../../../src/bake/events.ts";
import { noColors } from "../../../src/render/colors.ts";
import { createRenderer } from "../../../src/render/create-renderer.ts";
import { LiveRenderer } from "../../../src/render/live.ts";
import { liveFrame } from "../../../src/render/live-frame.ts";
import { LiveState } from "../../../src/render/live-state.ts";
import { MemoryStream } from "./memory-stream.ts";
import { sampleEvents, sampleStory } from "./sample-events.ts";
import { screenAfter } from "./virtual-screen.ts";

function stateAfter(...kinds: (keyof typeof sampleEvents)[]): LiveState {
  const state = new LiveState();
  for (const [position, kind] of kinds.entries()) {
    state.take({ ...sampleEvents[kind], at: position * 1000 });
  }
  return state;
}

function frame(state: LiveState, options: { columns?: number; rows?: number; now?: number } = {}): string {
  return `\n${liveFrame(state, { columns: 60, rows: 24, now: 10_000, colors: noColors, ...options })}`;
}

const running = ["bake-started", "planned", "step-cached", "step-started", "step-output"] as const;

/** The samples up to the first that a step wrote. */
function storyUntilOutput() {
  const story = sampleStory();
  return story.slice(0, story.findIndex(({ kind }) => kind === "step-output") + 1);
}

test("a running step is shown with its time and the end of its output", () => {
  expect(frame(stateAfter(...running))).toBe(`
⠋ [build 2/2] RUN make $JOBS                             7s
  │ cc -c main.c
  │ main.c: 100%
  │ linking
1 of 3 steps, 1 cached, 10s`);
});

test("stages that run at once stand below each other", () => {
  const state = stateAfter(...running);
  const copy: BakeEvent = {
    ...sampleEvents["step-waiting"],
    step: sampleEvents["step-failed"].step,
    at: 9000,
  };
  state.take({ ...copy, reason: "resources" });
  expect(frame(state)).toBe(
    `
⠋ [build 2/2] RUN make $JOBS                             7s
  │ cc -c main.c
  │ main.c: 100%
  │ linking
· [stage-1 1/1] COPY --from=build /out /opt/app (waitin… 1s
1 of 3 steps, 1 cached, 10s`,
  );
});

test("no line is wider and no frame higher than the terminal", () => {
  const state = stateAfter(...running);
  for (const [columns, rows] of [
    [20, 24],
    [39, 5],
    [80, 3],
    [10, 1],
    [200, 50],
  ] as const) {
    const lines = frame(state, { columns, rows }).slice(1).split("\n");
    for (const line of lines) expect(stringWidth(line)).toBeLessThan(columns);
    expect(lines.length).toBeLessThanOrEqual(Math.max(2, rows));
  }
});

test("more activities than rows are counted", () => {
  const state = new LiveState();
  for (let index = 0; index < 30; index += 1) {
    state.take({ kind: "base-resolving", reference: `image:${index}`, at: 0 });
  }
  expect(frame(state, { rows: 12 })).toContain("20 more running");
});

class Screen {
  readonly stream = new MemoryStream({ isTTY: true, columns: 80, rows: 24 });
  tick: () => void = () => {};
  isTicking = false;
  readonly renderer = new LiveRenderer({
    stream: this.stream,
    environment: { NO_COLOR: "1" },
    now: () => 1_010_000,
    startTicking: (callback) => {
      this.tick = callback;
      this.isTicking = true;
      return () => {
        this.isTicking = false;
      };
    },
  });
}

test("nothing is drawn between ticks, however many events come", () => {
  const screen = new Screen();
  for (const event of sampleStory().slice(0, -1)) screen.renderer.onEvent(event);
  expect(screen.stream.written).toBe("\x1b[?25l");
  screen.tick();
  const drawn = screen.stream.written;
  expect(drawn).toContain("✓ [build 2/2] RUN make $JOBS");
  screen.tick();
  expect(screen.stream.written).toBe(drawn);
});

test("what is done stays, and the cursor comes back at the end", () => {
  const screen = new Screen();
  for (const event of sampleStory()) {
    screen.renderer.onEvent(event);
    if (screen.isTicking) screen.tick();
  }
  const { written } = screen.stream;
  expect(screen.isTicking).toBe(false);
  expect(written).toContain("● [build 1/2] RUN ./configure");
  expect(written).toContain("baked app in 21s: 2 steps run, 1 cached (saved 1m 2.3s)");
  expect(written.endsWith("\x1b[?25h")).toBe(true);
  screen.renderer.close();
  expect(screen.stream.written).toBe(written);
});

test("a bake that mistakes keep from running leaves no line of its own", () => {
  const { stream, renderer } = new Screen();
  renderer.onEvent({ ...sampleEvents["bake-started"], at: 0 });
  renderer.onEvent({ ...sampleEvents["bake-completed"], outcome: "invalid", snapshot: null, at: 0 });
  expect(stream.written.endsWith("\x1b[?25h")).toBe(true);
  expect(stripVTControlCharacters(stream.written).trim()).toBe("");
});

test("closing in the middle keeps what was not drawn yet and gives the cursor back", () => {
  const screen = new Screen();
  screen.renderer.onEvent({ ...sampleEvents.planned, at: 0 });
  screen.renderer.onEvent({ ...sampleEvents["step-cached"], at: 0 });
  screen.renderer.close();
  expect(screen.stream.written).toMatch(/● \[build 1\/2\] RUN \.\/configure .*cached, saved 1m 2\.3s\n/);
  expect(screen.stream.written.endsWith("\x1b[?25h")).toBe(true);
});

test("a step's escape sequences do not reach the screen", () => {
  const screen = new Screen();
  for (const event of storyUntilOutput()) screen.renderer.onEvent(event);
  screen.tick();
  expect(screen.stream.written).toContain("│ linking");
  expect(screen.stream.written).not.toContain("\x1b[2J");
  expect(screen.stream.written).not.toContain("\x1b]0;");
});

test("auto is live on a terminal and plain elsewhere", async () => {
  const live = await createRenderer({
    mode: "auto",
    stream: new MemoryStream({ isTTY: true }),
    environment: {},
  });
  expect(live).toBeInstanceOf(LiveRenderer);
  for (const [isTTY, environment] of [
    [false, {}],
    [true, { TERM: "dumb" }],
    [true, { CI: "true" }],
  ] as const) {
    const stream = new MemoryStream({ isTTY });
    expect(await createRenderer({ mode: "auto", stream, environment })).not.toBeInstanceOf(LiveRenderer);
  }
});

test("when a bake is over, the terminal shows its lasting lines and nothing of the frames", () => {
  const screen = new Screen();
  for (const event of sampleStory()) {
    screen.renderer.onEvent(event);
    if (screen.isTicking) screen.tick();
  }
  expect(`\n${screenAfter(screen.stream.written)}`).toBe(`
✓ fetched https://example.org/a.tar                                        1.2s
✓ base debian:12 is cdcdcdcdcdcd (asked in 412ms)
Lightfile:3:10: warning[UndefinedVar]: the variable JOBS is not set here
  3 | RUN make $JOBS
    |          ^^^^^
  hint: declare it with ARG JOBS
● [build 1/2] RUN ./configure                             cached, saved 1m 2.3s
✓ base debian:12 is on the worker                                          2.1s
✓ [build 2/2] RUN make $JOBS                                              12.3s
✗ [stage-1 1/1] COPY --from=build /out /opt/app                     exit code 2
Lightfile:5:1: error[StepFailed]: COPY --from=build /out /opt/app
  failed: exit code 2
  | cc -c main.c
  | error: expected ';'
  hint: the builder still runs: lightbox shell debug-app-1
        look inside, as the step left the disk: lightbox debug Lightfile
– [stage-1 1/1] COPY --from=build /out /opt/app                       cancelled
✓ [test 1/1] TEST app --version                                  passed in 1.5s
✗ [test 1/1] TEST app --version                                     exit code 1
Lightfile:6:1: error[TestFailed]: TEST app --version
  failed: exit code 1
  | app: 1.2
  | no
  hint: a script stops at its first line that fails
✓ baked app in 21s: 2 steps run, 1 cached (saved 1m 2.3s), 1 test passed
`);
});

test("in the middle of a bake the frame stands below the lasting lines", () => {
  const screen = new Screen();
  for (const event of storyUntilOutput()) {
    screen.renderer.onEvent(event);
    screen.tick();
  }
  expect(`\n${screenAfter(screen.stream.written)}`).toBe(`
✓ fetched https://example.org/a.tar                                        1.2s
✓ base debian:12 is cdcdcdcdcdcd (asked in 412ms)
Lightfile:3:10: warning[UndefinedVar]: the variable JOBS is not set here
  3 | RUN make $JOBS
    |          ^^^^^
  hint: declare it with ARG JOBS
● [build 1/2] RUN ./configure                             cached, saved 1m 2.3s
✓ base debian:12 is on the worker                                          2.1s
⠋ [build 2/2] RUN make $JOBS                                                 0s
  │ cc -c main.c
  │ main.c: 100%
  │ linking
1 of 3 steps, 1 cached, 10s
`);
});
