import { Command } from "commander";
import type { LockOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { addBuildArgument } from "./shared-options.ts";

export function lockCommand(session: Session): Command {
  const command = new Command("lock")
    .description("Write down what the tags, branches and URLs of a Lightfile mean now")
    .argument("[path]", "a Lightfile, or a folder that holds one")
    .option("-f, --file <lightfile>", "the Lightfile, when PATH is the folder of its context")
    .option("-C, --context <folder>", "where COPY takes files from (default: the Lightfile's folder)")
    .option(
      "--update [names...]",
      "ask again what is pinned already: everything, or these images, repositories and URLs",
    );
  return addBuildArgument(command, session.environment).action(
    async (path: string | undefined, options: LockOptions, self: Command) => {
      const { lockLightfile } = await import("../actions/lock.ts");
      session.exitCode = await lockLightfile(
        path,
        { ...options, ...self.optsWithGlobals<{ host?: string }>() },
        session,
      );
    },
  );
}
