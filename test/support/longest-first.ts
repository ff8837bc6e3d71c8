import { basename } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** End-to-end tests that take longest, in the order in which they begin, so that none of them ends alone. */
export const longestFiles: readonly string[] = [
  "debian-examples.test.ts",
  "interruption.test.ts",
  "worker-lineage.test.ts",
  "machine.test.ts",
  "language-mounts.test.ts",
  "sandboxes.test.ts",
  "language-run.test.ts",
  "language-copy.test.ts",
  "instructions.test.ts",
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
