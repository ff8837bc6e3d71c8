import { posix } from "node:path";
import { unreachable } from "../../diagnostics/unreachable.ts";
import type { OtherInstruction, Word } from "../../lightfile/ast.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { emptyWordHint } from "./flags.ts";

/** The instructions whose words go into the recorded configuration, and MAINTAINER. */
export function readOther(stage: StageBuilder, instruction: OtherInstruction): void {
  switch (instruction.kind) {
    case "expose":
      readExpose(stage, instruction);
      break;
    case "volume":
      readVolume(stage, instruction);
      break;
    case "stopsignal":
      readStopSignal(stage, instruction);
      break;
    case "maintainer":
      warnWithoutEffect(
        stage,
        instruction.keyword,
        'no snapshot records it; write LABEL org.opencontainers.image.authors="…"',
      );
      break;
    default:
      unreachable(instruction.kind);
  }
}

function warnWithoutEffect(stage: StageBuilder, keyword: Word, reason: string): void {
  const message = `${keyword.text.toUpperCase()} has no effect`;
  stage.findings.warning("NoEffect", message, keyword.range, { hint: reason });
}

const highestPort = 65535;

function readExpose(stage: StageBuilder, instruction: OtherInstruction): void {
  const ports = new Set(stage.configuration.exposedPorts);
  for (const word of instruction.words) {
    for (const port of stage.scope.alone(() => readPorts(stage, word))) ports.add(port);
  }
  stage.configuration.exposedPorts = [...ports];
}

function readPorts(stage: StageBuilder, word: Word): readonly string[] {
  const written = stage.scope.split(word.text, word.range) ?? [];
  return written.flatMap((one) => portsIn(stage, one, word));
}

/** `port[-port][/protocol]` as single ports, e.g. `8080/tcp`. */
function portsIn(stage: StageBuilder, written: string, word: Word): readonly string[] {
  const match = /^(?:.*:)?(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(written);
  const first = Number(match?.[1] ?? Number.NaN);
  const last = Number(match?.[2] ?? first);
  if (match === null || first < 1 || last < first || last > highestPort) {
    stage.findings.error("InvalidPort", `${JSON.stringify(written)} is no port`, word.range, {
      hint: "write a number from 1 to 65535, or a range of them, e.g. EXPOSE 8080 or EXPOSE 5000-5010/udp",
    });
    return [];
  }
  if (written.includes(":")) {
    stage.findings.warning("ExposeInvalidFormat", `EXPOSE takes no host part: ${written}`, word.range, {
      hint: "the host's address and port are chosen at launch with -p",
    });
  }
  const protocol = (match[3] ?? "tcp").toLowerCase();
  return Array.from({ length: last - first + 1 }, (_, offset) => `${first + offset}/${protocol}`);
}

function readVolume(stage: StageBuilder, instruction: OtherInstruction): void {
  const volumes = new Set(stage.configuration.volumes);
  for (const word of instruction.words) {
    const path = stage.scope.alone(() => readVolumePath(stage, word));
    if (path !== null) volumes.add(path);
  }
  stage.configuration.volumes = [...volumes];
  const message = "VOLUME is recorded, and no volume is made for it";
  stage.findings.warning("NoEffect", message, instruction.keyword.range, {
    hint: "what is written there is on the sandbox's disk; lightbox run -v NAME:PATH mounts a volume",
  });
}

function readVolumePath(stage: StageBuilder, word: Word): string | null {
  const path = stage.scope.expand(word.text, word.range);
  if (path === null) return null;
  if (path !== "") return posix.resolve("/", path);
  stage.findings.error("BlankPath", "VOLUME needs a path, and this one is empty", word.range, {
    hint: emptyWordHint,
  });
  return null;
}

const signalName =
  /^(SIG)?(HUP|INT|QUIT|ILL|TRAP|ABRT|BUS|FPE|KILL|USR1|SEGV|USR2|PIPE|ALRM|TERM|STKFLT|CHLD|CONT|STOP|TSTP|TTIN|TTOU|URG|XCPU|XFSZ|VTALRM|PROF|WINCH|IO|POLL|PWR|SYS|RT(MIN|MAX)([+-]\d{1,2})?)$/i;
const highestSignal = 64;

function readStopSignal(stage: StageBuilder, instruction: OtherInstruction): void {
  const [word] = instruction.words;
  if (word === undefined) return;
  const signal = stage.scope.expand(word.text, word.range);
  if (signal === null) return;
  const number = /^\d{1,3}$/.test(signal) ? Number(signal) : null;
  if (signalName.test(signal) || (number !== null && number >= 1 && number <= highestSignal)) {
    stage.configuration.stopSignal = signal.toUpperCase();
    return;
  }
  stage.findings.error("InvalidSignal", `${JSON.stringify(signal)} is no signal`, word.range, {
    hint: "write a name or a number, e.g. STOPSIGNAL SIGTERM",
  });
}
