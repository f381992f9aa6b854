/*
 * npm run soak:kills [-- --exports N --seed N --damage]: exports that are killed at random moments and continued by the same
 * command; what comes of them is to be the same, byte for byte, as what comes of one that is never killed. With `--damage`,
 * what a kill leaves (parts, journal, mark, manifest, files) is damaged at random in between: the same bytes, or an error
 * that says why not. The same seed chooses the same moments and damages.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
	createReadStream,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pcm, record, scratch, serve } from '../bench/recording.mjs';

const { values } = parseArgs({
	options: {
		exports: { type: 'string', default: '100' },
		fragments: { type: 'string', default: '200' },
		seed: { type: 'string', default: '1' },
		damage: { type: 'boolean', default: false },
	},
});
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
// Compiled with the tests.
const { damage, randomFrom } = await import(
	new URL('../../build/test/helpers/files/damage.js', import.meta.url).href
);
const directory = scratch();

/** Exports that are one after the other made, by what they are. */
const kinds = [
	{ stream: 'camera', name: 'x.mkv', options: [] },
	{ stream: 'camera', name: 'x.mp4', options: [] },
	{ stream: 'camera', name: 'x.mp4', options: ['--split', '1m'] },
	{ stream: 'camera', name: 'x.mp4', options: ['--faststart'] },
	{ stream: 'phone', name: 'x.wav', options: [] },
];

/** Tries until an export is given up: killed each time, or refused. */
const MAX_RUNS = 50;

/** Runs an export; kills it after so long, if it is not over by then. Returns its exit status, null where it was killed. */
function run(args, killAfterMs) {
	const child = spawn(process.execPath, [main, 'export', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
	const timer = killAfterMs === null ? null : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
	let said = '';
	child.stderr.on('data', (data) => {
		said += data;
	});
	return new Promise((resolve) => {
		child.once('close', (code) => {
			clearTimeout(timer);
			resolve({ code, said });
		});
	});
}

/** A journal that was damaged no longer names every part; one may be left then, which the next export of that name takes over. */
const isCompared = (name) => !values.damage || !name.startsWith('.');

async function digest(folder) {
	const digests = {};
	for (const name of readdirSync(folder).filter(isCompared).sort()) {
		const hash = createHash('sha256');
		await pipeline(createReadStream(join(folder, name)), hash);
		digests[name] = hash.digest('hex');
	}
	return JSON.stringify(digests);
}

/** Damages one of the files in a folder, and says how. */
function damageOne(folder, random) {
	const names = readdirSync(folder).sort();
	if (names.length === 0) return null;
	const name = names[Math.floor(random() * names.length)];
	const { how, bytes } = damage(readFileSync(join(folder, name)), random);
	if (bytes === null) rmSync(join(folder, name));
	else writeFileSync(join(folder, name), bytes);
	return `${name}: ${how}`;
}

/** A mark that cannot be read is believed for half a minute, which has passed then. */
function ageMark(folder, name) {
	const mark = join(folder, `.${name}.in-use-by`);
	try {
		utimesSync(mark, 0, 0);
	} catch (error) {
		if (error.code !== 'ENOENT') throw error;
	}
}

/** Makes an export that is killed, and damaged, until it is through. Says what was done to it, and what came of it. */
async function exportOnce(args, { name, folder, tookMs, random }) {
	const done = [];
	const errors = [];
	for (let kills = 0; done.length < MAX_RUNS; ) {
		const isLast = kills >= 2 && values.damage;
		// Killed again and again, each time a little later, until it is through.
		const killAfterMs = isLast ? null : random() * tookMs * (1 + kills / 2);
		const { code, said } = await run([...args, join(folder, name)], killAfterMs);
		if (code === 0) {
			done.push('done');
			// What is finished is damaged too, once: the same command is to find out.
			if (!values.damage || done.some((step) => step !== 'killed' && step !== 'done'))
				return { done, errors, isOver: true };
		} else if (code === null) {
			kills++;
			done.push('killed');
		} else {
			errors.push(said.trim());
			done.push('refused');
			if (!/^KVS_[A-Z_]+: .+$/.test(said.trim()) || said.startsWith('KVS_INTERNAL'))
				return { done, errors, isOver: false };
			if (errors.length > 3) return { done, errors, isOver: false };
			ageMark(folder, name);
			continue;
		}
		if (!values.damage) continue;
		const damaged = damageOne(folder, random);
		if (damaged !== null) done.push(damaged);
		if (random() < 0.5) ageMark(folder, name);
	}
	return { done, errors, isOver: false };
}

const data = join(directory, 'data');
const fragments = Number(values.fragments);
const range = await record(data, { fragments, frames: 50, frameBytes: 4000 });
await record(data, { fragments, frames: 50, frameBytes: 640, stream: 'phone', track: pcm });
const server = await serve(data, '--quotas', 'off');
const counts = kinds.map(() => ({ exports: 0, kills: 0, damages: 0, refused: 0, right: 0, wrong: 0 }));
const whole = [];
let wrong = 0;
try {
	for (let index = 0; index < Number(values.exports); index++) {
		const kind = index % kinds.length;
		const { stream, name, options } = kinds[kind];
		const args = ['--stream', stream, '--endpoint', server.endpoint, '--by', 'producer', ...options];
		args.push('--from', range.from.toISOString(), '--to', range.to.toISOString(), '-o');
		if (whole[kind] === undefined) {
			const folder = join(directory, `whole-${kind}`);
			mkdirSync(folder);
			const startMs = performance.now();
			const { code, said } = await run([...args, join(folder, name)], null);
			if (code !== 0) throw new Error(`the export failed: ${said}`);
			whole[kind] = { expected: await digest(folder), tookMs: performance.now() - startMs };
		}
		const { expected, tookMs } = whole[kind];
		const folder = join(directory, 'killed');
		mkdirSync(folder);
		const random = randomFrom(Number(values.seed) * 1_000_003 + index);
		const { done, errors, isOver } = await exportOnce(args, { name, folder, tookMs, random });
		const isRight = isOver && (await digest(folder)) === expected;
		const count = counts[kind];
		count.exports++;
		count.kills += done.filter((step) => step === 'killed').length;
		count.damages += done.filter((step) => step.includes(': ')).length;
		count.refused += errors.length;
		if (isRight) count.right++;
		else {
			count.wrong++;
			wrong++;
			process.stdout.write(
				`export ${index}, ${[name, ...options].join(' ')}: ${done.join(', ')}; ${errors.join(' | ')}\n`,
			);
			process.stdout.write(`${await digest(folder)}\nexpected ${expected}\n`);
		}
		rmSync(folder, { recursive: true });
	}
} finally {
	await server.stop();
}
const columns = ['exports', 'kills', 'damages', 'refused', 'right', 'wrong'];
const row = (title, cells) =>
	process.stdout.write(`${title.padEnd(20)}${cells.map((cell) => String(cell).padStart(9)).join('')}\n`);
row('', columns);
for (const [kind, { name, options }] of kinds.entries()) {
	row(
		[name, ...options].join(' '),
		columns.map((column) => counts[kind][column]),
	);
}
row(
	'all',
	columns.map((column) => counts.reduce((sum, count) => sum + count[column], 0)),
);
if (wrong > 0) process.exitCode = 1;
