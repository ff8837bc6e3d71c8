// Answers every request with who it runs as. `node src/server.js --once` prints that and ends.
const http = require("node:http");

const about = () => ({ uid: process.getuid(), directory: process.cwd(), node: process.version });

if (process.argv.includes("--once")) {
  console.log(JSON.stringify(about()));
} else {
  const port = Number(process.env.PORT);
  http
    .createServer((_request, response) => response.end(`${JSON.stringify(about())}\n`))
    .listen(port, () => console.log(`listening on ${port}`));
}
