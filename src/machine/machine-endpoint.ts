import type { MachineState } from "./machine-state.ts";

/** How a client reaches the worker in the machine. */
export interface MachineEndpoint {
  readonly url: string;
  readonly token: string;
}

export function endpointOf(state: MachineState): MachineEndpoint {
  return { url: `http://127.0.0.1:${state.hostPort}`, token: state.token };
}
