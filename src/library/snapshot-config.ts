/** Memory as the library's users write it, e.g. `512M` or `2G`. */
export type Memory = `${number}M` | `${number}G`;

export interface SnapshotResources {
  readonly cpus?: number;
  readonly memory?: Memory;
}

/** A string is a shell script. */
export type SetupStep =
  | string
  | { readonly kind: "shell"; readonly script: string; readonly description?: string }
  | {
      readonly kind: "exec";
      readonly cmd: string;
      readonly args?: readonly string[];
      readonly description?: string;
    };

/** A snapshot as data, for programs that make them; {@link lightfileOf} turns it into a Lightfile. */
export interface SnapshotConfig {
  readonly name: string;
  /** Base OCI image. */
  readonly image: string;
  readonly resources?: SnapshotResources;
  /** Made if it is missing. */
  readonly workdir?: string;
  readonly env?: Readonly<Record<string, string>>;
  setup?: SetupStep[];
  readonly labels?: Readonly<Record<string, string>>;
}

/** A config whose `setup` is there, so that steps can be appended. */
export interface PresetConfig extends SnapshotConfig {
  setup: SetupStep[];
}

/** Returns its argument; for inference and completion in editors. */
export function defineSnapshot<const Config extends SnapshotConfig>(config: Config): Config {
  return config;
}

export function shell(script: string, description?: string): SetupStep {
  return description === undefined ? { kind: "shell", script } : { kind: "shell", script, description };
}

export function exec(cmd: string, args: readonly string[] = [], description?: string): SetupStep {
  return description === undefined ? { kind: "exec", cmd, args } : { kind: "exec", cmd, args, description };
}

/** The Lightfile that bakes what the config describes. */
export function lightfileOf(config: SnapshotConfig): string {
  const { resources = {} } = config;
  const settings = [
    ...(resources.cpus === undefined ? [] : [`cpus=${resources.cpus}`]),
    ...(resources.memory === undefined ? [] : [`memory=${resources.memory}`]),
  ];
  const lines = [
    `FROM ${config.image}`,
    `SNAPSHOT ${config.name}`,
    ...(settings.length === 0 ? [] : [`RESOURCES ${settings.join(" ")}`]),
    ...pairs("LABEL", config.labels),
    ...pairs("ENV", config.env),
    ...(config.workdir === undefined ? [] : [`WORKDIR ${config.workdir}`]),
    ...(config.setup ?? []).flatMap(setupLines),
  ];
  return `${lines.join("\n")}\n`;
}

function pairs(keyword: string, values: Readonly<Record<string, string>> = {}): readonly string[] {
  return Object.entries(values).map(([name, value]) => `${keyword} ${name}=${quoted(value)}`);
}

/** In double quotes, only these can be escaped. */
function quoted(value: string): string {
  return `"${value.replace(/[\\"$]/g, "\\$&")}"`;
}

function setupLines(step: SetupStep): readonly string[] {
  if (typeof step === "string") return [`RUN ${JSON.stringify(["/bin/sh", "-c", step])}`];
  const title = step.description === undefined ? [] : [`# ${step.description.replaceAll("\n", " ")}`];
  const argv = step.kind === "exec" ? [step.cmd, ...(step.args ?? [])] : ["/bin/sh", "-c", step.script];
  return [...title, `RUN ${JSON.stringify(argv)}`];
}
