import http from "node:http";

let isDone = false;

/**
 * Makes fetch honour HTTP_PROXY, HTTPS_PROXY and NO_PROXY, where this Node.js can (24.14, 25.4 and later; older ones do it
 * when started with NODE_USE_ENV_PROXY=1). This computer's own addresses are never reached through a proxy.
 */
export function useEnvironmentProxies(): void {
  if (isDone || !("setGlobalProxyFromEnv" in http)) return;
  isDone = true;
  const { env } = process;
  const httpProxy = env.http_proxy || env.HTTP_PROXY;
  const httpsProxy = env.https_proxy || env.HTTPS_PROXY;
  if (!httpProxy && !httpsProxy) return;
  const noProxy = [env.no_proxy || env.NO_PROXY || "", "localhost", "127.0.0.1", "[::1]"].filter(Boolean);
  http.setGlobalProxyFromEnv({
    ...(httpProxy ? { http_proxy: httpProxy } : {}),
    ...(httpsProxy ? { https_proxy: httpsProxy } : {}),
    no_proxy: noProxy.join(","),
  });
}
