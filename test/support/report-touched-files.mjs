// Preloaded into a process whose file accesses a test wants to know: writes each path that is looked at, and the URL of
// each module that is loaded, as a line to file descriptor 3.
import fs from "node:fs";
import { registerHooks, syncBuiltinESMExports } from "node:module";

const { writeSync } = fs;
const report = (what) => void writeSync(3, `${String(what)}\n`);

const looking = ["stat", "lstat", "readdir", "readFile", "open", "access", "realpath", "readlink", "opendir"];
for (const name of looking) {
  for (const [holder, method] of [
    [fs.promises, name],
    [fs, name],
    [fs, `${name}Sync`],
  ]) {
    const original = holder[method];
    holder[method] = Object.assign(function (path, ...rest) {
      report(path);
      return original.call(this, path, ...rest);
    }, original);
  }
}
syncBuiltinESMExports();

registerHooks({
  load(url, context, nextLoad) {
    report(url);
    return nextLoad(url, context);
  },
});
