import { execFile, spawn } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** A repository in a folder of a test; nothing of the user's git configuration counts. */
export class GitRepository {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(directory: string): Promise<GitRepository> {
    await mkdir(directory, { recursive: true });
    const repository = new GitRepository(directory);
    await repository.git("init", "--quiet", "--initial-branch=main");
    return repository;
  }

  /** For `file://` references. */
  get url(): string {
    return `file://${this.directory}`;
  }

  async git(...args: readonly string[]): Promise<string> {
    const { stdout } = await execute("git", ["-C", this.directory, ...args], {
      env: {
        PATH: process.env.PATH,
        GIT_CONFIG_GLOBAL: "/dev/null",
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_AUTHOR_NAME: "a",
        GIT_AUTHOR_EMAIL: "a@example.org",
        GIT_COMMITTER_NAME: "a",
        GIT_COMMITTER_EMAIL: "a@example.org",
      },
    });
    return stdout.trim();
  }

  /** Writes and commits; resolves with the commit. */
  async commit(files: Readonly<Record<string, string>>): Promise<string> {
    for (const [path, text] of Object.entries(files)) {
      const full = join(this.directory, path);
      await mkdir(dirname(full), { recursive: true });
      await writeFile(full, text);
    }
    await this.git("add", "--all");
    await this.git("commit", "--quiet", "--allow-empty", "--message=change");
    return await this.git("rev-parse", "HEAD");
  }
}

export interface GitServer extends AsyncDisposable {
  /** Ends with a slash; below it stand the folder's repositories. */
  readonly url: string;
  /** Every request so far: method and path. */
  readonly requests: readonly string[];
}

/** Serves the repositories of a folder over HTTP on this host, with git's own backend. */
export function serveGit(folder: string): Promise<GitServer> {
  return serve((request, response) => answer(folder, request, response));
}

/** Serves them as nothing but files, of which git takes what `git update-server-info` names. */
export function serveFiles(folder: string): Promise<GitServer> {
  return serve((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    readFile(join(folder, pathname)).then(
      (content) => response.end(content),
      () => response.writeHead(404).end(),
    );
  });
}

async function serve(
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<GitServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    onRequest(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One request by CGI, https://git-scm.com/docs/git-http-backend. */
function answer(folder: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? "/", "http://localhost");
  const child = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      REQUEST_METHOD: request.method,
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: [request.headers["git-protocol"]].flat()[0] ?? "",
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  request.pipe(child.stdin);
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.once("close", () => {
    const whole = Buffer.concat(chunks);
    const end = whole.indexOf("\r\n\r\n");
    const head = whole.subarray(0, end).toString("latin1");
    for (const line of head.split("\r\n")) {
      const colon = line.indexOf(":");
      const [name, value] = [line.slice(0, colon), line.slice(colon + 1).trim()];
      if (name.toLowerCase() === "status") response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.end(whole.subarray(end + 4));
  });
}
