#!/bin/sh
# Builds guest-helper.c for both platforms and writes guest-helper-binary.ts beside it.
# Needs gcc and gcc-aarch64-linux-gnu on a Linux host; run it only after changing guest-helper.c.
set -eu
cd "$(dirname "$0")"
flags="-Os -static -nostdlib -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables -fno-pie -no-pie
  -Wl,--build-id=none,-z,noseparate-code,-z,norelro,-N -s -Wall"
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
x86_64-linux-gnu-gcc $flags -fcf-protection=none -o "$out/x64" guest-helper.c
aarch64-linux-gnu-gcc $flags -mno-outline-atomics -o "$out/arm64" guest-helper.c
{
  echo '/** Made by build-guest-helper.sh from guest-helper.c: base64 of a static ELF file per platform. */'
  echo '// biome-ignore format: made by a script'
  echo 'export const guestHelperBinaries: Readonly<Record<"x64" | "arm64", string>> = {'
  echo "  x64: \"$(base64 -w0 "$out/x64")\","
  echo "  arm64: \"$(base64 -w0 "$out/arm64")\","
  echo '};'
} > ../guest-helper-binary.ts
