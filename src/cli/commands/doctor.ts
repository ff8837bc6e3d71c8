import { Command, Option } from "commander";
import type { Session } from "../session.ts";

export function doctorCommand(session: Session): Command {
  return new Command("doctor")
    .description("Say what this host has and lacks, and the command that mends each lack")
    .option("--force", "probe hardware virtualization again")
    .addOption(new Option("--format <format>", "how to print it").choices(["text", "json"]).default("text"))
    .action(async (options: { force?: boolean; format: string }) => {
      const { examine } = await import("../actions/doctor.ts");
      session.exitCode = await examine(options, session);
    });
}
