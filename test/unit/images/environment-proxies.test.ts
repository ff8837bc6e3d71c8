import { execFile } from "node:child_process";
import { once } from "node:events";
import http, { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { ScriptedRegistry } from "./scripted-registry.ts";
import { tinyImage } from "./tiny-image.ts";

const run = promisify(execFile);
const images = join(import.meta.dirname, "../../../src/images");

/** Resolves the references one after the other in a process of its own, since proxies are set for a whole process. */
const script = `
const { resolveBaseImage } = await import(${JSON.stringify(join(images, "image-source.ts"))});
const { openImageStore } = await import(${JSON.stringify(join(images, "image-store.ts"))});
const [folder, ...references] = process.argv.slice(1);
for (const reference of references) {
  const options = { store: openImageStore(folder), platform: "linux/amd64", pull: false, directory: "/" };
  await resolveBaseImage(reference, { ...options, registry: { attempts: 1, environment: {} } }).then(
    () => console.log("resolved"),
    (error) => console.log(error.code),
  );
}`;

test.runIf("setGlobalProxyFromEnv" in http)(
  "registries are reached through the proxy of the environment, this computer's own without it",
  async () => {
    await using folder = await temporaryFolder();
    await using registry = await ScriptedRegistry.start(await tinyImage());
    const asked: (string | undefined)[] = [];
    const proxy = createServer().listen(0, "127.0.0.1");
    proxy.on("connect", (request, socket) => {
      asked.push(request.url);
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    });
    await once(proxy, "listening");
    const { port } = proxy.address() as AddressInfo; // of a listening TCP server
    const address = `http://127.0.0.1:${port}`;
    const references = ["registry.invalid/base:1", `${registry.host}/base:1`];
    const { stdout } = await run(
      process.execPath,
      ["--input-type=module", "-e", script, folder.path, ...references],
      { env: { PATH: process.env.PATH, HTTP_PROXY: address, HTTPS_PROXY: address } },
    );
    proxy.close();
    expect(asked).toEqual(["registry.invalid:443"]);
    expect(stdout).toBe("RegistryUnreachable\nresolved\n");
  },
);
