import type { CopyOperation } from "../../model/step-operation.ts";
import type { LineageClient } from "../worker.ts";
import type { MicroVm } from "./micro-vm.ts";
export async function copyStep(
  _h: unknown,
  _vm: MicroVm,
  _o: CopyOperation,
  _c: LineageClient,
  _s: AbortSignal,
): Promise<void> {
  throw new Error("x");
}
