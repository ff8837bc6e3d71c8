import { expect, test } from "vitest";
import { argumentsHelp } from "../../../src/cli/actions/describe-arguments.ts";
import { describeArguments } from "../../../src/graph/describe-arguments.ts";
import { parseLightfile } from "../../../src/lightfile/parse.ts";

const text = `ARG --choices=12,13 --describe="the Debian to build on" DEBIAN=12
FROM debian:\${DEBIAN} AS build
# TOKEN of the service
ARG --required TOKEN
FROM build
ARG --type=int PORT=80
`;

test("the help of a Lightfile's ARGs says what each takes, where it counts, and what it is without", () => {
  const found = describeArguments(parseLightfile({ path: "Lightfile", text }).value);
  expect(argumentsHelp("Lightfile", found)).toBe(`Arguments of Lightfile (--build-arg NAME=VALUE):
  DEBIAN=12|13  the Debian to build on (default: 12)
  TOKEN         of the service (required, in build)
  PORT=<int>    (default: 80, in stage 1)
`);
});
