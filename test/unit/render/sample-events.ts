import { type BakeEvent, type BakeEventBody, eventSchemaVersion } from "../../../src/bake/events.ts";
import { locateDiagnostic } from "../../../src/bake/located-diagnostic.ts";
import { layerKey, sha256Digest, stepId } from "../../../src/model/identifiers.ts";

const layer = layerKey("0123456789abcdef0123456789abcdef");
const digest = sha256Digest(`sha256:${"cd".repeat(32)}`);
const configure = stepId("build/1");
const make = stepId("build/2");
const copy = stepId("1/1");
const check = stepId("1/test-1");
const source = { path: "Lightfile", text: "FROM debian:12 AS build\nRUN ./configure\nRUN make $JOBS\n" };
const position = { line: 3, column: 1 };

/** One event of each kind, in the order of a bake; the compiler sees to it that none is missing. */
export const sampleEvents: {
  readonly [Kind in BakeEventBody["kind"]]: Extract<BakeEventBody, { kind: Kind }>;
} = {
  "bake-started": {
    kind: "bake-started",
    schema: eventSchemaVersion,
    lightfile: "Lightfile",
    target: null,
    platform: "linux/amd64",
  },
  "source-fetching": { kind: "source-fetching", source: "https://example.org/a.tar" },
  "source-progress": {
    kind: "source-progress",
    source: "https://example.org/a.tar",
    doneBytes: 1000,
    totalBytes: null,
  },
  "source-fetched": { kind: "source-fetched", source: "https://example.org/a.tar", durationMs: 1200 },
  "base-resolving": { kind: "base-resolving", reference: "debian:12" },
  "base-retrying": {
    kind: "base-retrying",
    reference: "debian:12",
    registry: "docker.io",
    reason: "it answers with status 503",
    waitMs: 500,
  },
  "base-progress": {
    kind: "base-progress",
    reference: "debian:12",
    phase: "pull",
    doneBytes: 1_500_000,
    totalBytes: 50_000_000,
  },
  "base-resolved": {
    kind: "base-resolved",
    reference: "debian:12",
    digest,
    remembered: false,
    durationMs: 412,
  },
  diagnostic: {
    kind: "diagnostic",
    diagnostic: locateDiagnostic({
      code: "UndefinedVar",
      severity: "warning",
      message: "the variable JOBS is not set here",
      source,
      range: { start: 49, end: 54 },
      hint: "declare it with ARG JOBS",
    }),
  },
  planned: {
    kind: "planned",
    target: 1,
    tests: [{ id: check, title: "TEST app --version", file: "Lightfile", position: { line: 6, column: 1 } }],
    snapshotName: "app",
    stages: [
      {
        index: 0,
        name: "build",
        image: "debian:12",
        steps: [
          { id: configure, title: "RUN ./configure", file: "Lightfile", position: { line: 2, column: 1 } },
          { id: make, title: "RUN make $JOBS", file: "Lightfile", position },
        ],
      },
      {
        index: 1,
        name: null,
        image: "debian:12",
        steps: [
          {
            id: copy,
            title: "COPY --from=build /out /opt/app",
            file: "Lightfile",
            position: { line: 5, column: 1 },
          },
        ],
      },
    ],
  },
  "worker-opening": { kind: "worker-opening" },
  "worker-lost": { kind: "worker-lost", message: "the connection to the worker was lost while steps ran" },
  "worker-opened": { kind: "worker-opened", durationMs: 5200 },
  "step-cached": { kind: "step-cached", step: configure, layer, savedMs: 62_300, source: "store" },
  "step-queued": { kind: "step-queued", step: make },
  "base-imported": { kind: "base-imported", reference: "debian:12", digest, durationMs: 2100 },
  "step-waiting": { kind: "step-waiting", step: make, reason: "other-bake" },
  "builder-starting": { kind: "builder-starting", step: make },
  "builder-started": { kind: "builder-started", step: make, durationMs: 3900 },
  "builder-lost": {
    kind: "builder-lost",
    step: make,
    message: "the microVM lightbox-build-1 ended unexpectedly",
  },
  "step-started": { kind: "step-started", step: make },
  "step-output": {
    kind: "step-output",
    step: make,
    stream: "stdout",
    text: "cc -c main.c\n\x1b[31mmain.c\x1b[0m: 10%\rmain.c: 100%\n\x1b[2J\x1b]0;title\x07linking",
  },
  "step-completed": { kind: "step-completed", step: make, durationMs: 12_345 },
  "layer-sealed": {
    kind: "layer-sealed",
    steps: [configure, make],
    layer,
    sizeBytes: 51_380_224,
    durationMs: 130,
  },
  "step-failed": {
    kind: "step-failed",
    step: copy,
    title: "COPY --from=build /out /opt/app",
    reason: { kind: "exit", exitCode: 2 },
    hint: null,
    outputTail: ["cc -c main.c", "\x1b[31merror:\x1b[0m expected ';'\x1b[2J"],
    lightfile: "Lightfile",
    file: "Lightfile",
    position: { line: 5, column: 1 },
    debugLayer: layer,
    keptBuilder: "debug-app-1",
  },
  "step-cancelled": { kind: "step-cancelled", step: copy },
  "test-started": { kind: "test-started", test: check },
  "test-output": { kind: "test-output", test: check, stream: "stderr", text: "app: 1.2\n\x1b[2Jno" },
  "test-passed": { kind: "test-passed", test: check, durationMs: 1500, remembered: false },
  "test-failed": {
    kind: "test-failed",
    test: check,
    title: "TEST app --version",
    reason: { kind: "exit", exitCode: 1 },
    hint: "a script stops at its first line that fails",
    outputTail: ["app: 1.2", "\x1b[2Jno"],
    lightfile: "Lightfile",
    file: "Lightfile",
    position: { line: 6, column: 1 },
  },
  "snapshot-published": { kind: "snapshot-published", name: "app", layer, previous: null },
  "bake-completed": {
    kind: "bake-completed",
    outcome: "completed",
    cachedCount: 1,
    ranCount: 2,
    passedTestCount: 1,
    durationMs: 21_000,
    savedMs: 62_300,
    snapshot: "app",
  },
};

/** The samples as one story, one second apart. */
export function sampleStory(): readonly BakeEvent[] {
  return Object.values(sampleEvents).map((event, index) => ({ ...event, at: 1_000_000 + index * 1000 }));
}
