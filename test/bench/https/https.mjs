/*
 * node https.mjs CORPUS SCALE ROUNDS PROGRAM…: reads a corpus over HTTPS from a second process with the programs, by turns,
 * and prints the processor time of this process for each round as JSON. The first round is not timed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { corpus } from '../corpora.mjs';
import { check, programs } from '../programs.mjs';

const [name, scale, rounds, ...names] = process.argv.slice(2);
const truth = corpus(name, Number(scale));
const directory = mkdtempSync(join(tmpdir(), 'kvs-archive-bench-'));
const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'];
spawnSync('openssl', [...request, '-keyout', key, '-out', cert], { stdio: 'ignore' });
const script = fileURLToPath(new URL('https-server.mjs', import.meta.url));
const server = spawn(process.execPath, [script, key, cert, truth.path], {
	stdio: ['ignore', 'pipe', 'inherit'],
});
const port = await new Promise((resolve) =>
	server.stdout.once('data', (data) => resolve(Number(String(data)))),
);
const times = Object.fromEntries(names.map((program) => [program, []]));
try {
	for (let round = 0; round <= Number(rounds); round++) {
		for (const program of names) {
			const response = await new Promise((resolve, reject) => {
				get({ host: '127.0.0.1', port, rejectUnauthorized: false }, resolve).on('error', reject);
			});
			const before = process.cpuUsage();
			const seen = await programs[program](response);
			const { user, system } = process.cpuUsage(before);
			check(program, seen, truth);
			if (round > 0) times[program].push((user + system) / 1000);
		}
	}
	process.stdout.write(JSON.stringify(times));
} finally {
	server.kill();
	rmSync(directory, { recursive: true });
}
