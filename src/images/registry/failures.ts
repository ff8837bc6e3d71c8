import { Failure } from "../../diagnostics/failure.ts";
import { dockerHub, type RegistryReference } from "../reference.ts";

/** `hadCredentials`: the registry has seen a user's name and did not let them in. */
export function loginRequired(
  reference: RegistryReference,
  hadCredentials: boolean,
  detail: string,
): Failure {
  const { registry, repository } = reference;
  const login = registry === dockerHub.name ? "docker login" : `docker login ${registry}`;
  return new Failure({
    code: "RegistryLoginRequired",
    category: "environment",
    message: hadCredentials
      ? `${registry} refuses its stored login for ${repository}${detail}`
      : `${registry} gives ${repository} only to users who are logged in (or has no such image)${detail}`,
    hint: `run: ${login}`,
  });
}

export function registryUnreachable(
  registry: string,
  reason: string,
  { cause, hint }: { readonly cause?: unknown; readonly hint?: string } = {},
): Failure {
  return new Failure({
    code: "RegistryUnreachable",
    category: "environment",
    message: `the registry ${registry} cannot be reached: ${reason}`,
    hint: hint ?? "check the registry's name, the network and the proxy settings; then try again",
    ...(cause === undefined ? {} : { cause }),
  });
}

export function registryRefused(registry: string, what: string, reason: string): Failure {
  return new Failure({
    code: "RegistryRefused",
    category: "environment",
    message: `the registry ${registry} does not give ${what}: ${reason}`,
    hint: "ask the registry's operator, or try again later",
  });
}
