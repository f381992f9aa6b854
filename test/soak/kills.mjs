/*
 * npm run soak:kills [-- --kills N --seed N]: exports that are killed at random moments and gone on with by the same command;
 * what comes of them is to be the same, byte for byte, as what comes of one that nobody kills.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { record, scratch, serve } from '../bench/recording.mjs';

const { values } = parseArgs({
	options: { kills: { type: 'string', default: '20' }, seed: { type: 'string', default: '1' } },
});
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const directory = scratch();

/** Numbers from 0 to 1, the same for the same seed. */
function randomFrom(seed) {
	let state = seed;
	return () => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return state / 2 ** 32;
	};
}

/** Runs an export; kills it after so long, if it is not over by then. Returns its exit status, null where it was killed. */
function run(args, killAfterMs) {
	const child = spawn(process.execPath, [main, 'export', ...args], { stdio: 'ignore' });
	const timer = killAfterMs === null ? null : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
	return new Promise((resolve) => {
		child.once('close', (code) => {
			clearTimeout(timer);
			resolve(code);
		});
	});
}

async function digest(folder) {
	const digests = {};
	for (const name of readdirSync(folder).sort()) {
		const hash = createHash('sha256');
		await pipeline(createReadStream(join(folder, name)), hash);
		digests[name] = hash.digest('hex');
	}
	return JSON.stringify(digests);
}

const data = join(directory, 'data');
const { from, to } = await record(data, directory, { fragments: 400, frames: 50, frameBytes: 4000 });
const server = await serve(data, '--quotas', 'off');
const random = randomFrom(Number(values.seed));
let wrong = 0;
try {
	for (const [name, ...options] of [
		['x.mkv'],
		['x.mp4'],
		['x.mp4', '--split', '2m'],
		['x.mp4', '--faststart'],
	]) {
		const args = ['--stream', 'camera', '--endpoint', server.endpoint, '--by', 'producer', ...options];
		args.push('--from', from.toISOString(), '--to', to.toISOString(), '-o');
		const whole = join(directory, 'whole');
		mkdirSync(whole);
		const startMs = performance.now();
		if ((await run([...args, join(whole, name)], null)) !== 0) throw new Error('the export failed');
		const tookMs = performance.now() - startMs;
		const expected = await digest(whole);
		const counts = [];
		for (let index = 0; index < Number(values.kills); index++) {
			const folder = join(directory, 'killed');
			mkdirSync(folder);
			let kills = 0;
			// Killed again and again, each time a little later, until it is through.
			while ((await run([...args, join(folder, name)], random() * tookMs * (1 + kills / 2))) !== 0) kills++;
			counts.push(kills);
			if ((await digest(folder)) !== expected) wrong++;
			rmSync(folder, { recursive: true });
		}
		const times = counts.reduce((sum, kills) => sum + kills, 0);
		process.stdout.write(
			`${[name, ...options].join(' ')}: ${counts.length} exports, killed ${times} times in all; ${wrong} wrong\n`,
		);
		rmSync(whole, { recursive: true });
	}
} finally {
	await server.stop();
}
if (wrong > 0) process.exitCode = 1;
