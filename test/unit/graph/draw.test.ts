import { expect, test } from "vitest";
import { drawPlan } from "../../../src/graph/draw.ts";
import { stepId } from "../../../src/model/identifiers.ts";
import { planOf } from "../../support/planned.ts";

const plan = planOf(`FROM debian:12 AS build
COPY . /src/
RUN echo "<b>#1</b>" \\\\n
FROM build AS empty
FROM debian:12
COPY --from=build /src/app /app/
COPY --from=tools:1 /bin/t /bin/
RUN --network=none true
COPY --from=empty /x /y
SNAPSHOT web
`);
const statuses = new Map([[stepId("build/1"), "cached"]]);

test("as text", () => {
  expect(`\n${drawPlan(plan, "text", statuses)}`).toMatchInlineSnapshot(`
    "
    build (stage 0) from debian:12
    ├─ build/1  COPY . /src/ [cached]
    └─ build/2  RUN echo "<b>#1</b>" \\\\n

    empty (stage 1) from build (stage 0)

    stage 2 from debian:12 [target, snapshot web]
    ├─ 2/1  COPY --from=build /src/app /app/  ← build (stage 0)
    ├─ 2/2  COPY --from=tools:1 /bin/t /bin/  ← tools:1
    ├─ 2/3  RUN --network=none true
    └─ 2/4  COPY --from=empty /x /y  ← empty (stage 1)
    "
  `);
});

test("as DOT", () => {
  expect(`\n${drawPlan(plan, "dot", statuses)}`).toMatchInlineSnapshot(`
    "
    digraph lightfile {
      rankdir=TB;
      node [shape=box, fontname="monospace"];
      "image debian:12" [shape=cylinder, label="debian:12"];
      "image tools:1" [shape=cylinder, label="tools:1"];
      subgraph cluster_0 {
        label="build (stage 0)";
        "step build/1" [label="COPY . /src/\\ncached"];
        "step build/2" [label="RUN echo \\"<b>#1</b>\\" \\\\\\\\n"];
      }
      subgraph cluster_1 {
        label="empty (stage 1)";
        "stage 1" [shape=point];
      }
      subgraph cluster_2 {
        label="stage 2";
        penwidth=2;
        "step 2/1" [label="COPY --from=build /src/app /app/"];
        "step 2/2" [label="COPY --from=tools:1 /bin/t /bin/"];
        "step 2/3" [label="RUN --network=none true"];
        "step 2/4" [label="COPY --from=empty /x /y"];
      }
      "image debian:12" -> "step build/1";
      "step build/1" -> "step build/2";
      "step build/2" -> "stage 1";
      "image debian:12" -> "step 2/1";
      "step build/2" -> "step 2/1" [style=dashed];
      "step 2/1" -> "step 2/2";
      "image tools:1" -> "step 2/2" [style=dashed];
      "step 2/2" -> "step 2/3";
      "step 2/3" -> "step 2/4";
      "stage 1" -> "step 2/4" [style=dashed];
    }
    "
  `);
});

test("as Mermaid", () => {
  expect(`\n${drawPlan(plan, "mermaid", statuses)}`).toMatchInlineSnapshot(`
    "
    flowchart TB
      image0[("debian:12")]
      image1[("tools:1")]
      subgraph stage0["build (stage 0)"]
        step0["COPY . /src/ [cached]"]
        step1["RUN echo #quot;#lt;b#gt;#35;1#lt;/b#gt;#quot; \\\\n"]
      end
      subgraph stage1["empty (stage 1)"]
        end1((" "))
      end
      subgraph stage2["stage 2"]
        step2["COPY --from=build /src/app /app/"]
        step3["COPY --from=tools:1 /bin/t /bin/"]
        step4["RUN --network=none true"]
        step5["COPY --from=empty /x /y"]
      end
      image0 --> step0
      step0 --> step1
      step1 --> end1
      image0 --> step2
      step1 -.-> step2
      step2 --> step3
      image1 -.-> step3
      step3 --> step4
      step4 --> step5
      end1 -.-> step5
    "
  `);
});

test("as JSON", () => {
  const drawing: unknown = JSON.parse(
    drawPlan(planOf("FROM a AS one\nRUN x\nFROM one\nSNAPSHOT s\n"), "json"),
  );
  expect(drawing).toEqual({
    target: 1,
    snapshot: "s",
    stages: [
      {
        index: 0,
        name: "one",
        base: { image: "a" },
        imageDigest: `sha256:${"a".repeat(64)}`,
        diskSizeMib: 8192,
        steps: [{ id: "one/1", kind: "run", title: "RUN x", status: null }],
      },
      {
        index: 1,
        name: null,
        base: { stage: 0 },
        imageDigest: `sha256:${"a".repeat(64)}`,
        diskSizeMib: 8192,
        steps: [],
      },
    ],
    edges: [
      { from: { kind: "image", reference: "a" }, to: { kind: "step", step: "one/1" }, kind: "next" },
      { from: { kind: "step", step: "one/1" }, to: { kind: "stage", index: 1 }, kind: "next" },
    ],
  });
});
