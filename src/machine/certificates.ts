import { readFile } from "node:fs/promises";
import { rootCertificates } from "node:tls";
import { systemErrorCode } from "../diagnostics/failure.ts";

/** Where the common distributions keep their bundle. */
const bundles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/cert.pem",
];

export interface Certificates {
  /** PEM. */
  readonly text: string;
  readonly origin: string;
}

/** The host's own bundle (it may hold a company's authority), else the one that node brings. */
export async function readCertificates(): Promise<Certificates> {
  for (const path of bundles) {
    try {
      return { text: await readFile(path, "utf8"), origin: path };
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw error;
    }
  }
  return { text: `${rootCertificates.join("\n")}\n`, origin: "Node.js" };
}
