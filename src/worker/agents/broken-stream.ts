import { Duplex } from "node:stream";

/** What stands for a connection that cannot be had. */
export function brokenStream(): Duplex {
  return new Duplex().destroy();
}
