/** What a flag of an instruction takes. */
export type FlagKind =
  /** `--name=value`, once. */
  | "value"
  /** `--name=value`, any number of times. */
  | "values"
  /** `--name`, `--name=true` or `--name=false`, once. */
  | "boolean";

export interface InstructionDescription {
  /** How it is written, for messages. */
  readonly usage: string;
  /** One line, for hover and completion. */
  readonly summary: string;
  readonly flags: Readonly<Record<string, FlagKind>>;
}

const copyFlags = {
  title: "value",
  from: "value",
  chown: "value",
  chmod: "value",
  parents: "boolean",
  exclude: "values",
  "if-exists": "boolean",
  link: "boolean",
} as const satisfies Record<string, FlagKind>;

/** Of a step that runs a command: RUN and `ENV --from-output`. */
const commandStepFlags = {
  title: "value",
  network: "value",
  mount: "values",
  timeout: "value",
  retry: "value",
  "no-cache": "boolean",
} as const satisfies Record<string, FlagKind>;

/** The flags of ENV that are about the command of `--from-output`. */
export const outputCommandFlags: readonly string[] = Object.keys(commandStepFlags);

/** Every instruction by its name in capitals. The one table that parser, suggestions, grammar and editors share. */
export const instructions = {
  ADD: {
    usage: "ADD [flags] source… destination",
    summary: "Copies files and unpacks archives, or downloads a URL or a git repository.",
    flags: { ...copyFlags, checksum: "value", unpack: "boolean", "keep-git-dir": "boolean" },
  },
  ARG: {
    usage: "ARG [flags] name[=default]…",
    summary: "Declares a value that the bake command may give.",
    flags: { type: "value", choices: "value", required: "boolean", describe: "value" },
  },
  CMD: {
    usage: 'CMD ["program", "argument"…] or CMD command',
    summary: "The command that a sandbox runs when none is given.",
    flags: {},
  },
  COPY: {
    usage: "COPY [flags] source… destination",
    summary: "Copies files from the context, another stage or an image.",
    flags: copyFlags,
  },
  ENTRYPOINT: {
    usage: 'ENTRYPOINT ["program", "argument"…] or ENTRYPOINT command',
    summary: "The program that a sandbox always starts; CMD gives its arguments.",
    flags: {},
  },
  ENV: {
    usage: "ENV name=value…, or ENV --from-output [flags] name command",
    summary: "Sets environment variables for later steps and for the sandbox.",
    flags: { "from-output": "boolean", ...commandStepFlags },
  },
  EXPOSE: {
    usage: "EXPOSE port[/protocol]…",
    summary: "Says which ports the sandbox listens on.",
    flags: {},
  },
  FROM: {
    usage: "FROM [flags] image [AS name]",
    summary: "Starts a stage on an image, an earlier stage or another Lightfile's target.",
    flags: { platform: "value", arg: "values" },
  },
  HEALTHCHECK: {
    usage: "HEALTHCHECK [flags] CMD command, or HEALTHCHECK NONE",
    summary: "The command that tells whether the sandbox is healthy.",
    flags: {
      interval: "value",
      timeout: "value",
      "start-period": "value",
      "start-interval": "value",
      retries: "value",
    },
  },
  IMPORT: {
    usage: "IMPORT [--arg=name=value]… reference AS name",
    summary:
      "Gives another Lightfile a name, for FROM name#target, COPY --from=name#target and USE name#mixin.",
    flags: { arg: "values" },
  },
  LABEL: {
    usage: "LABEL name=value…",
    summary: "Adds metadata to the snapshot.",
    flags: {},
  },
  MAINTAINER: {
    usage: "MAINTAINER name",
    summary: "Names the author; a label does the same.",
    flags: {},
  },
  MIXIN: {
    usage: "MIXIN name",
    summary: "Starts a list of steps that USE puts in place; its ARGs are their parameters.",
    flags: {},
  },
  ONBUILD: {
    usage: "ONBUILD instruction",
    summary: "An instruction that runs in the stages built on this one.",
    flags: {},
  },
  RESOURCES: {
    usage: "RESOURCES [cpus=number] [memory=size] [disk=size]",
    summary: "Processors, memory and disk size of the microVM that builds this stage.",
    flags: {},
  },
  RUN: {
    usage: 'RUN [flags] command, or RUN [flags] ["program", "argument"…]',
    summary: "Runs a command in the builder and keeps what it changed.",
    flags: { ...commandStepFlags, security: "value" },
  },
  SHELL: {
    usage: 'SHELL ["program", "argument"…]',
    summary: "The shell of later commands that are not JSON arrays.",
    flags: {},
  },
  SNAPSHOT: {
    usage: "SNAPSHOT name",
    summary: "The name under which this stage is published when it is the target.",
    flags: {},
  },
  STOPSIGNAL: {
    usage: "STOPSIGNAL signal",
    summary: "The signal that asks the sandbox's command to end.",
    flags: {},
  },
  TEST: {
    usage: 'TEST [flags] command, or TEST [flags] ["program", "argument"…]',
    summary: "Runs a command in a sandbox on the stage's result; the bake fails when it does.",
    flags: { title: "value", network: "value", timeout: "value", user: "value" },
  },
  USE: {
    usage: "USE [--title=title] mixin [name=value]…",
    summary: "Puts the steps of a mixin in place, with these values for its ARGs.",
    flags: { title: "value" },
  },
  USER: {
    usage: "USER user[:group]",
    summary: "Who runs later steps and the sandbox's command.",
    flags: {},
  },
  VOLUME: {
    usage: "VOLUME path…",
    summary: "Says which directories hold data that outlives a sandbox.",
    flags: {},
  },
  WORKDIR: {
    usage: "WORKDIR path",
    summary: "The directory of later steps and of the sandbox's command; made if missing.",
    flags: {},
  },
} as const satisfies Record<string, InstructionDescription>;

export type InstructionName = keyof typeof instructions;

export const instructionNames: readonly string[] = Object.keys(instructions);

export function isInstructionName(name: string): name is InstructionName {
  return Object.hasOwn(instructions, name);
}

export function describeInstruction(name: InstructionName): InstructionDescription {
  return instructions[name];
}

/** The settings that RESOURCES knows. */
export const resourceSettings: readonly string[] = ["cpus", "memory", "disk"];

/** The special comments at the head of a file. */
export const directiveNames: readonly string[] = ["escape", "check", "syntax"];
