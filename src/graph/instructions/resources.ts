import type { Range } from "../../diagnostics/source-file.ts";
import type { NamedValue, ResourcesInstruction } from "../../lightfile/ast.ts";
import { type Bounds, cpuBounds, diskBounds, memoryBounds } from "../resource-bounds.ts";
import type { StageBuilder } from "../stage-builder.ts";

const mebibytesIn: Readonly<Record<string, number>> = { M: 1, G: 1024, T: 1024 * 1024 };

export function readResources(stage: StageBuilder, instruction: ResourcesInstruction): void {
  for (const setting of instruction.settings) readSetting(stage, setting);
}

function readSetting(stage: StageBuilder, setting: NamedValue): void {
  const value = stage.scope.expand(setting.value.text, setting.value.range);
  if (value === null) return;
  const { range } = setting.value;
  switch (setting.name.text) {
    case "cpus": {
      const cpus = /^\d+$/.test(value) ? Number(value) : null;
      if (isFit(stage, { name: "cpus", value, amount: cpus, bounds: cpuBounds, range })) {
        stage.resources.cpus = cpus;
      }
      return;
    }
    case "memory": {
      const memory = readMebibytes(value);
      if (isFit(stage, { name: "memory", value, amount: memory, bounds: memoryBounds, range })) {
        stage.resources.memoryMib = memory;
      }
      return;
    }
    case "disk": {
      const disk = readMebibytes(value);
      if (isFit(stage, { name: "disk", value, amount: disk, bounds: diskBounds, range }) && disk !== null) {
        setDisk(stage, disk, range);
      }
      return;
    }
    default:
      // The parser has reported a setting that does not exist.
      return;
  }
}

/** A disk's size is that of the root of its chain, which a stage `FROM` a stage takes over. */
function setDisk(stage: StageBuilder, disk: number, range: Range): void {
  if (stage.surroundings.onStage && disk !== stage.resources.diskSizeMib) {
    stage.findings.error(
      "DiskSizeFixed",
      "this stage stands on another one's disk, whose size is fixed",
      range,
      {
        hint: `set disk= in the stage that it is FROM (${stage.resources.diskSizeMib}M there)`,
      },
    );
    return;
  }
  stage.resources.diskSizeMib = disk;
}

function readMebibytes(value: string): number | null {
  const match = /^(\d+)([MGT])i?B?$/i.exec(value);
  if (match === null) return null;
  const unit = mebibytesIn[(match[2] ?? "").toUpperCase()];
  return unit === undefined ? null : Number(match[1]) * unit;
}

interface Setting {
  readonly name: string;
  readonly value: string;
  readonly amount: number | null;
  readonly bounds: Bounds;
  readonly range: Range;
}

function isFit(stage: StageBuilder, { name, value, amount, bounds, range }: Setting): boolean {
  if (amount !== null && amount >= bounds.least && amount <= bounds.most) return true;
  const form = name === "cpus" ? "a whole number" : "a whole number with M, G or T, e.g. 512M or 8G";
  stage.findings.error("InvalidResource", `${name}=${value} cannot be`, range, {
    hint: `${name} takes ${form}, ${bounds.words}`,
  });
  return false;
}
