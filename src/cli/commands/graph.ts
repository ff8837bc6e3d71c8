import { Command, Option } from "commander";
import type { GraphOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { addLightfileOptions } from "./shared-options.ts";

export function graphCommand(session: Session): Command {
  return addLightfileOptions(
    new Command("graph").description("Draw the steps of a Lightfile and what needs what"),
    session,
  )
    .addOption(
      new Option("--format <format>", "how to draw")
        .choices(["text", "dot", "mermaid", "json"])
        .default("text"),
    )
    .action(async (path: string, options: GraphOptions, command: Command) => {
      const { drawGraph } = await import("../actions/draw-graph.ts");
      session.exitCode = await drawGraph(
        path,
        { ...options, ...command.optsWithGlobals<{ host?: string }>() },
        session,
      );
    });
}
