import type { PresetConfig, SnapshotConfig } from "./library/snapshot-config.ts";

/** The npm packages of {@link codingAgentsPreset}. */
const codingAgents = [
  "@github/copilot",
  "@google/gemini-cli",
  "@openai/codex",
  "@earendil-works/pi-coding-agent",
];

/** What of a preset its user may change. */
export type PresetOptions = Partial<Omit<SnapshotConfig, "setup">>;

/** A snapshot with four coding agents: GitHub Copilot, Gemini, Codex and Pi, on top of `oven/bun`. */
export function codingAgentsPreset(options: PresetOptions = {}): PresetConfig {
  return {
    name: "lightbox",
    image: "oven/bun",
    resources: { cpus: 2, memory: "1G" },
    ...options,
    setup: codingAgents.map((name) => ({
      kind: "exec" as const,
      cmd: "bun",
      args: ["install", "-g", name],
      description: name,
    })),
  };
}
