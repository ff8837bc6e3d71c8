import { Command, InvalidArgumentError } from "commander";
import type { PruneOptions } from "../options.ts";
import type { Session } from "../session.ts";

export function pruneCommand(session: Session): Command {
  return new Command("prune")
    .description(
      "Remove layers that no snapshot and no sandbox needs, base images that nothing stands on, and old sources",
    )
    .option(
      "--keep-storage <size>",
      "keep the most recently used layers up to this size, e.g. 10G, and so many of the fetched sources",
      parseBytes,
    )
    .option("--older-than <age>", "only what was last used longer ago, e.g. 12h or 7d", parseAge)
    .option("--dry-run", "only say what would be removed")
    .action(async (options: PruneOptions, command: Command) => {
      const { prune } = await import("../actions/prune.ts");
      session.exitCode = await prune(
        { ...options, ...command.optsWithGlobals<{ host?: string }>() },
        session,
      );
    });
}

const byteUnits: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };
const ageUnits: Readonly<Record<string, number>> = {
  s: 1e3,
  m: 60e3,
  h: 3600e3,
  d: 24 * 3600e3,
  w: 7 * 24 * 3600e3,
};

function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([KMGT]?)B?$/i.exec(text);
  const unit = byteUnits[match?.[2]?.toUpperCase() ?? ""];
  if (match?.[1] === undefined || unit === undefined)
    throw new InvalidArgumentError("it must be like 500M or 10G.");
  return Math.round(Number(match[1]) * unit);
}

function parseAge(text: string): number {
  const match = /^(\d+)([smhdw])$/.exec(text);
  const unit = ageUnits[match?.[2] ?? ""];
  if (match?.[1] === undefined || unit === undefined)
    throw new InvalidArgumentError("it must be like 30m, 12h or 7d.");
  return Number(match[1]) * unit;
}
