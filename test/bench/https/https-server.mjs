/* node https-server.mjs KEY CERT FILE: serves a file over HTTPS, chunked, in writes of 64 KiB. Prints its port. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { pipeline } from 'node:stream';
import { MemorySource } from '../programs.mjs';

const [key, cert, file] = process.argv.slice(2);
const bytes = readFileSync(file);
const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_request, response) => {
	pipeline(new MemorySource(bytes, 64 * 1024), response, () => {});
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
