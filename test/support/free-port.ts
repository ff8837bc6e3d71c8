import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** A TCP port of the loopback address that nothing listens on right now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address() as AddressInfo | null; // a listening TCP server has one
  if (address === null) throw new Error("the server listens nowhere");
  server.close();
  await once(server, "close");
  return address.port;
}
