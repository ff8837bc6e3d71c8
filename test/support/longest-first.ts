import { basename } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** End-to-end tests that take longest, in the order in which they begin, so that none of them ends alone. */
export const longestFiles: readonly string[] = [
  "interruption.test.ts",
  "language-mounts.test.ts",
  "debian-examples.test.ts",
  "examples.test.ts",
  "language-run.test.ts",
  "language-tests.test.ts",
  "worker-lineage.test.ts",
  "instructions.test.ts",
  "sandboxes.test.ts",
  "language-copy.test.ts",
  "incremental-bake.test.ts",
  "machine.test.ts",
  "failing-step.test.ts",
  "worker-sandboxes.test.ts",
  "language-shared.test.ts",
  "library.test.ts",
];

/** A fresh checkout does not know yet how long its tests take, and Vitest would go by the sizes of their files. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const named = longestFiles.flatMap((name) =>
      sorted.filter(({ moduleId }) => basename(moduleId) === name),
    );
    return [...named, ...sorted.filter((file) => !named.includes(file))];
  }
}
