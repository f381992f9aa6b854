/*
 * npm run bench [-- --quick]: measures everything that README.md beside it has a figure for, and says which targets are
 * met. Each comparison has a process of its own, in which the programs take turns. `--quick` uses smaller media and fewer
 * rounds: good for a look, not for a figure.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { corpora, corpus } from './corpora.mjs';

const isQuick = process.argv.includes('--quick');
const scale = isQuick ? 0.25 : 1;
const rounds = isQuick ? 3 : 5;
const KIB = 1024;
const [EVENT, BATCH] = ['MkvReader, event', 'MkvReader, batch'];

function run(script, ...args) {
	const path = fileURLToPath(new URL(script, import.meta.url));
	const { status, stdout } = spawnSync(process.execPath, [path, ...args.map(String)], {
		encoding: 'utf8',
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	if (status !== 0) throw new Error(`${script} ${args.join(' ')} failed`);
	return stdout;
}

function median(values) {
	return [...values].sort((a, b) => a - b)[values.length >> 1];
}

/** Median of the ratios within one round: noise that hits both programs cancels out. */
function pairedRatio(dividends, divisors) {
	return median(dividends.map((dividend, round) => dividend / divisors[round]));
}

let missed = 0;

function print(what, figure, isMet, target) {
	if (target !== '' && !isMet) missed++;
	const verdict = target === '' ? '' : `target ${target}  ${isMet ? 'met' : 'MISSED'}`;
	process.stdout.write(`${what.padEnd(58)} ${figure.padStart(30)}  ${verdict}\n`);
}

function heading(text) {
	process.stdout.write(`\n${text}\n`);
}

function fromMemory(name, chunkKib, program, peer, target) {
	const times = JSON.parse(run('compare.mjs', name, scale, chunkKib * KIB, rounds, program, peer));
	const ratio = pairedRatio(times[peer], times[program]);
	const megabytes = corpus(name, scale).fileBytes / 1e6;
	const rate = (median(times[program]) / 1000) ** -1 * megabytes;
	const figure = `${rate.toFixed(0)} MB/s, ${ratio.toFixed(2)} times`;
	print(
		`${name}, ${chunkKib} KiB, ${program} / ${peer}`,
		figure,
		ratio >= target,
		target ? `≥ ${target}` : '',
	);
}

heading('From memory: speed, and times the speed of the peer');
const speedTargets = [
	['8 KB frames', 64, 2.2, 2.4],
	['8 KB frames', 1024, 3.0, 4.0],
	['200 KB frames', 64, 1.5, 1.7],
	['200 KB frames', 1024, 1.6, 2.0],
	['320 B audio', 64, 2.4, 3.0],
	['320 B audio', 1024, 3.0, 4.0],
];
for (const [name, chunkKib, perEvent, batched] of speedTargets) {
	fromMemory(name, chunkKib, EVENT, 'ts-ebml', perEvent);
	fromMemory(name, chunkKib, BATCH, 'ts-ebml', batched);
	fromMemory(name, chunkKib, EVENT, 'ebml-stream', 0);
	fromMemory(name, chunkKib, EVENT, 'mediabunny', 0);
}

heading('Delivery of 320-byte frames: times the time of the synchronous core with a callback');
for (const chunkKib of [16, 64, 1024]) {
	const names = [
		'core, callback',
		EVENT,
		BATCH,
		'for await',
		'for await, batches()',
		'MkvReader, event, copy',
	];
	const times = JSON.parse(run('compare.mjs', '320 B audio', scale, chunkKib * KIB, rounds, ...names));
	const targets = { 'for await': 4.5, 'for await, batches()': 1.7 };
	for (const name of names.slice(1)) {
		const ratio = pairedRatio(times[name], times['core, callback']);
		print(
			`${chunkKib} KiB, ${name}`,
			ratio.toFixed(2),
			ratio <= targets[name],
			targets[name] ? `≤ ${targets[name]}` : '',
		);
	}
}

heading('Over HTTPS: processor time of the client, times that of receiving and discarding');
if (spawnSync('openssl', ['version']).status !== 0) {
	process.stdout.write('skipped: no openssl to make a certificate with\n');
} else {
	for (const name of Object.keys(corpora)) {
		const times = JSON.parse(run('https/https.mjs', name, scale, rounds, 'discard', BATCH, EVENT));
		for (const [program, limit] of [
			[BATCH, 1.25],
			[EVENT, 1.45],
		]) {
			const ratio = pairedRatio(times[program], times.discard);
			const target = name === '320 B audio' ? '' : `≤ ${limit}`;
			print(`${name}, ${program}`, ratio.toFixed(2), ratio <= limit, target);
		}
	}
}

heading('Peak memory above reading the file and discarding it, MiB');
for (const name of Object.keys(corpora)) {
	const peak = (program) => {
		const runs = Array.from({ length: isQuick ? 1 : 3 }, () =>
			Number(run('memory.mjs', name, scale, program)),
		);
		return median(runs);
	};
	const floor = peak('discard');
	for (const program of [EVENT, BATCH, 'for await', 'for await, batches()']) {
		const extra = peak(program) - floor;
		print(
			`${name}, ${program}`,
			`${extra.toFixed(0)} (of ${(floor + extra).toFixed(0)})`,
			extra <= 32,
			'≤ 32',
		);
	}
}

process.stdout.write(`\n${missed === 0 ? 'all targets met' : `${missed} targets missed`}\n`);
