/** The environment, and which of its variables were asked for so far. */
export interface RecordedEnvironment {
  readonly environment: NodeJS.ProcessEnv;
  /** By name; undefined: it was not set. Null when somebody has listed all variables. */
  read(): ReadonlyMap<string, string | undefined> | null;
}

/** An outcome rests on the variables that were read on the way to it: what reads this one leaves a trace. */
export function recordEnvironment(environment: NodeJS.ProcessEnv): RecordedEnvironment {
  const read = new Map<string, string | undefined>();
  let isListed = false;
  const recorded = new Proxy(environment, {
    get(target, name) {
      if (typeof name !== "string") return undefined;
      read.set(name, target[name]);
      return target[name];
    },
    has(target, name) {
      if (typeof name === "string") read.set(name, target[name]);
      return name in target;
    },
    ownKeys(target) {
      isListed = true;
      return Reflect.ownKeys(target);
    },
  });
  return { environment: recorded, read: () => (isListed ? null : read) };
}
