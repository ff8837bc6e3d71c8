import { unreachable } from "../../diagnostics/unreachable.ts";
import type { Instruction } from "../../lightfile/ast.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { readArgument } from "./argument.ts";
import { readCommand, readEntrypoint, readShell } from "./command.ts";
import { readCopy } from "./copy.ts";
import { readEnvironmentFromOutput } from "./env-from-output.ts";
import { readEnvironment, readLabel } from "./environment.ts";
import { readFlags } from "./flags.ts";
import { readHealthcheck } from "./healthcheck.ts";
import { readOther } from "./metadata.ts";
import { readOnbuild } from "./onbuild.ts";
import { readResources } from "./resources.ts";
import { readRun } from "./run.ts";
import { readSnapshot } from "./snapshot.ts";
import { readTest } from "./test.ts";
import { readUser, readWorkingDirectory } from "./working-directory.ts";

/** Lets one instruction act on its stage. */
export function readInstruction(stage: StageBuilder, instruction: Instruction): void {
  switch (instruction.kind) {
    case "run":
      stage.read(instruction, readRun);
      break;
    case "copy":
    case "add":
      stage.read(instruction, readCopy);
      break;
    case "arg":
      stage.read(instruction, readArgument);
      break;
    case "env":
      // The parser has said what is wrong with its flags: all but `--from-output=false` need a command.
      stage.read(instruction, readEnvironment);
      break;
    case "label":
      stage.read(instruction, withoutFlags(readLabel));
      break;
    case "cmd":
      stage.read(instruction, withoutFlags(readCommand));
      break;
    case "entrypoint":
      stage.read(instruction, withoutFlags(readEntrypoint));
      break;
    case "workdir":
      stage.read(instruction, withoutFlags(readWorkingDirectory));
      break;
    case "user":
      stage.read(instruction, withoutFlags(readUser));
      break;
    case "shell":
      stage.read(instruction, withoutFlags(readShell));
      break;
    case "snapshot":
      stage.read(instruction, withoutFlags(readSnapshot));
      break;
    case "resources":
      stage.read(instruction, withoutFlags(readResources));
      break;
    case "healthcheck":
      stage.read(instruction, readHealthcheck);
      break;
    case "onbuild":
      stage.read(instruction, readOnbuild);
      break;
    case "expose":
    case "volume":
    case "stopsignal":
    case "maintainer":
      stage.read(instruction, withoutFlags(readOther));
      break;
    case "use":
      stage.surroundings.useMixin(stage, instruction);
      break;
    case "test":
      stage.read(instruction, readTest);
      break;
    case "env-from-output":
      stage.read(instruction, readEnvironmentFromOutput);
      break;
    case "from":
    case "mixin":
    case "import":
    case "invalid":
      break;
    default:
      unreachable(instruction);
  }
}

function withoutFlags<Kind extends Instruction>(
  apply: (stage: StageBuilder, instruction: Kind) => void,
): (stage: StageBuilder, instruction: Kind) => void {
  return (stage, instruction) => {
    readFlags(stage, instruction, {});
    apply(stage, instruction);
  };
}
