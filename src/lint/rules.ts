import type { Rule } from "./rule.ts";
import { addForLocalFile } from "./rules/add-for-local-file.ts";
import { addWithoutChecksum } from "./rules/add-without-checksum.ts";
import { aptInScript } from "./rules/apt-in-script.ts";
import { aptUpdateInOtherStep } from "./rules/apt-update-in-other-step.ts";
import { cacheUnfriendlyOrder } from "./rules/cache-unfriendly-order.ts";
import { cdInRun } from "./rules/cd-in-run.ts";
import { consistentInstructionCasing } from "./rules/consistent-instruction-casing.ts";
import { downloadPipedToShell } from "./rules/download-piped-to-shell.ts";
import { exposeProtoCasing } from "./rules/expose-proto-casing.ts";
import { fromAsCasing } from "./rules/from-as-casing.ts";
import { fromPlatformFlagConstDisallowed } from "./rules/from-platform-flag-const-disallowed.ts";
import { installWithoutYes } from "./rules/install-without-yes.ts";
import { invalidDefaultArgInFrom } from "./rules/invalid-default-arg-in-from.ts";
import { invalidDefinitionDescription } from "./rules/invalid-definition-description.ts";
import { jsonArgsRecommended } from "./rules/json-args-recommended.ts";
import { legacyKeyValueFormat } from "./rules/legacy-key-value-format.ts";
import { maintainerDeprecated } from "./rules/maintainer-deprecated.ts";
import { missingSnapshot } from "./rules/missing-snapshot.ts";
import { multipleInstructionsDisallowed } from "./rules/multiple-instructions-disallowed.ts";
import { noEffect } from "./rules/no-effect.ts";
import { noEmptyContinuation } from "./rules/no-empty-continuation.ts";
import { overwrittenInstruction } from "./rules/overwritten-instruction.ts";
import { packageListsKept } from "./rules/package-lists-kept.ts";
import { pipeWithoutPipefail } from "./rules/pipe-without-pipefail.ts";
import { redundantTargetPlatform } from "./rules/redundant-target-platform.ts";
import { reservedStageName } from "./rules/reserved-stage-name.ts";
import { runWithoutEffect } from "./rules/run-without-effect.ts";
import { sameLineReference } from "./rules/same-line-reference.ts";
import { scriptGoesOn } from "./rules/script-goes-on.ts";
import { secretsUsedInArgOrEnv } from "./rules/secrets-used-in-arg-or-env.ts";
import { stageNameCasing } from "./rules/stage-name-casing.ts";
import { stageTakenForImage } from "./rules/stage-taken-for-image.ts";
import { sudoInRun } from "./rules/sudo-in-run.ts";
import { tildeNotExpanded } from "./rules/tilde-not-expanded.ts";
import { undefinedVar } from "./rules/undefined-var.ts";
import { unpinnedBase } from "./rules/unpinned-base.ts";
import { unusedArgument } from "./rules/unused-argument.ts";
import { unusedImport } from "./rules/unused-import.ts";
import { unusedMixin } from "./rules/unused-mixin.ts";
import { unusedStage } from "./rules/unused-stage.ts";
import { workdirRelativePath } from "./rules/workdir-relative-path.ts";
import { saidElsewhere } from "./said-elsewhere.ts";

/** Complaints about comments that leave rules out; made in lint.ts, which knows what was left out. */
const aboutComments: readonly Rule[] = [
  { name: "UnknownRule", summary: "a comment or an option names a rule that does not exist" },
  { name: "UnusedIgnore", summary: "a comment leaves out what no rule says" },
];

/** Every rule of `lightbox check`, by name. */
export const rules: readonly Rule[] = [
  addForLocalFile,
  addWithoutChecksum,
  aptInScript,
  aptUpdateInOtherStep,
  cacheUnfriendlyOrder,
  cdInRun,
  consistentInstructionCasing,
  downloadPipedToShell,
  exposeProtoCasing,
  fromAsCasing,
  fromPlatformFlagConstDisallowed,
  installWithoutYes,
  invalidDefaultArgInFrom,
  invalidDefinitionDescription,
  jsonArgsRecommended,
  legacyKeyValueFormat,
  maintainerDeprecated,
  missingSnapshot,
  multipleInstructionsDisallowed,
  noEffect,
  noEmptyContinuation,
  overwrittenInstruction,
  packageListsKept,
  pipeWithoutPipefail,
  redundantTargetPlatform,
  reservedStageName,
  runWithoutEffect,
  sameLineReference,
  scriptGoesOn,
  secretsUsedInArgOrEnv,
  stageNameCasing,
  stageTakenForImage,
  sudoInRun,
  tildeNotExpanded,
  undefinedVar,
  unpinnedBase,
  unusedArgument,
  unusedImport,
  unusedMixin,
  unusedStage,
  workdirRelativePath,
  ...saidElsewhere,
  ...aboutComments,
].sort((left, right) => (left.name < right.name ? -1 : 1));

const byName = new Map(rules.map((rule) => [rule.name.toLowerCase(), rule]));

/** The rule with this name, in any case. */
export function findRule(name: string): Rule | undefined {
  return byName.get(name.toLowerCase());
}

export const ruleNames: readonly string[] = rules.map(({ name }) => name);
