/*
 * npm run bench:export [-- --memory] [-- --quotas] [-- --files] [-- --list] [-- --all]: whole runs against `kvs-archive serve --quotas aws` in a second
 * process, and what they could have taken at best. Without an option: 2 GB beside a plain script on the SDK, and 20,000
 * small fragments. `--memory`: 2 GB and 8 GB, three times each. `--files`: 1 GB and 4 GB into MP4 and MKV. `--quotas`: what
 * the server's log says of 3,000 small fragments and of 2 GB. `--list`: the listing of up to 1,000,000 fragments. Needs 2.5 times the
 * largest recording in the temporary directory while it runs.
 */
import { once } from 'node:events';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createArchiveServer } from 'kvs-archive/server';
import { measure, record, scratch, serve } from './recording.mjs';

const flags = new Set(process.argv.slice(2));
const wants = (flag) => flags.has('--all') || flags.has(flag) || (flag === '' && flags.size === 0);

/** The service's quotas for a stream. */
const BYTES_PER_SECOND = 5 * 25e6;
const FRAGMENTS_PER_SECOND = 500;
const CALLS_PER_SECOND = 5;
/** Fragments that one call may ask for at most. */
const CALL_FRAGMENTS = 1000;

/** Fragments of 1 MB as of a camera of 4 Mbit/s, in frames of 20 KB; and such as of a door that is looked at rarely. */
const camera = { frames: 50, frameBytes: 20_000 };
const small = { frames: 10, frameBytes: 500 };
/** Fragments of 1.6 MB in frames of 8 KB. */
const mobile = { frames: 200, frameBytes: 8000 };

const directory = scratch();
let missed = 0;

function print(what, figure, isMet, target) {
	if (isMet === false) missed++;
	const verdict = target === undefined ? '' : `target ${target}  ${isMet ? 'met' : 'MISSED'}`;
	process.stdout.write(`${what.padEnd(52)} ${figure.padStart(34)}  ${verdict}\n`);
}

/** Makes a recording, serves it to `use`, and removes it. */
async function withArchive(recording, use, quotas = 'aws') {
	const data = join(directory, 'data');
	const range = await record(data, recording);
	const server = await serve(data, '--quotas', quotas);
	try {
		return await use(server.endpoint, range);
	} finally {
		await server.stop();
		rmSync(data, { recursive: true, force: true });
	}
}

/** Runs a program that writes a file; the file is looked at and removed. */
async function measureFile(program, endpoint, range, name = 'out.mkv') {
	const file = join(directory, name);
	const measured = await measure(program, endpoint, { range, file });
	const { size } = statSync(file);
	rmSync(file);
	rmSync(`${file}.json`, { force: true });
	return { ...measured, size };
}

function ideal({ fragments, frames, frameBytes }) {
	return Math.max(
		(fragments * frames * frameBytes) / BYTES_PER_SECOND,
		fragments / FRAGMENTS_PER_SECOND,
		Math.ceil(fragments / CALL_FRAGMENTS) / CALLS_PER_SECOND,
	);
}

/** Whether an export has everything, and the service never had to say no. */
function checkExport(recording, { summary, size }) {
	const { fragments, frames, frameBytes } = recording;
	const bytes = fragments * frames * frameBytes;
	const isWhole =
		summary.delivered === fragments && summary.frames === fragments * frames && summary.bytes === bytes;
	if (!isWhole || size < bytes) throw new Error(`the export is not whole: ${JSON.stringify(summary)}`);
	if (summary.throttled > 0) throw new Error(`${summary.throttled} calls were throttled`);
}

function printExport(what, recording, measured) {
	checkExport(recording, measured);
	const idealSeconds = ideal(recording);
	const ratio = measured.seconds / idealSeconds;
	const times = `${measured.seconds.toFixed(1)} s / ${idealSeconds.toFixed(1)} s = ${ratio.toFixed(3)}`;
	print(`${what}: time, times the ideal`, times, ratio <= 1.15, '≤ 1.15');
	print(`${what}: peak memory`, `${measured.peakMib.toFixed(0)} MiB`);
	print(`${what}: processor time`, `${measured.cpuSeconds.toFixed(1)} s`);
	print(`${what}: calls`, `${measured.summary.calls}, none throttled`);
}

if (wants('')) {
	const recording = { ...camera, fragments: 2000 };
	await withArchive(recording, async (endpoint, range) => {
		const ours = await measureFile('export', endpoint, range);
		printExport('2 GB', recording, ours);
		const script = await measureFile('script', endpoint, range);
		if (script.size < recording.fragments * camera.frames * camera.frameBytes)
			throw new Error('the script lost something');
		const ratio = script.seconds / ours.seconds;
		const times = `${script.seconds.toFixed(1)} s, ${ratio.toFixed(2)} times ours`;
		print('2 GB: plain script on the SDK', times, ratio >= 4, '≥ 4');
		print('2 GB: peak memory of the script', `${script.peakMib.toFixed(0)} MiB`);
	});
	const many = { ...small, fragments: 20_000 };
	await withArchive(many, async (endpoint, range) =>
		printExport('20,000 fragments of 5 KB', many, await measureFile('export', endpoint, range)),
	);
}

if (wants('--memory')) {
	// How much garbage there is when the peak comes is chance: one size alone spreads by as much as is asked about here.
	const medians = [];
	for (const fragments of [2000, 8000]) {
		const recording = { ...camera, fragments };
		await withArchive(recording, async (endpoint, range) => {
			const peaks = [];
			for (let run = 0; run < 3; run++) {
				const measured = await measureFile('export', endpoint, range);
				printExport(`${fragments / 1000} GB`, recording, measured);
				peaks.push(measured.peakMib);
			}
			medians.push(peaks.sort((a, b) => a - b)[1]);
		});
	}
	const [short, long] = medians;
	const growth = (long / short - 1) * 100;
	const figure = `${short.toFixed(0)} and ${long.toFixed(0)} MiB: ${growth.toFixed(1)} %`;
	print('2 GB and 8 GB: peak memory, median of three', figure, Math.abs(growth) < 10, '< 10 % either way');
}

if (wants('--files')) {
	for (const name of ['out.mp4', 'out.mkv']) {
		const peaks = [];
		for (const fragments of [625, 2500]) {
			const recording = { ...mobile, fragments };
			await withArchive(
				recording,
				async (endpoint, range) => {
					const measured = await measureFile('export', endpoint, range, name);
					checkExport(recording, measured);
					const what = `${(fragments * 1.6e6) / 1e9} GB of 8 KB frames, ${name.slice(-3)}`;
					print(
						`${what}: peak memory`,
						`${measured.peakMib.toFixed(0)} MiB`,
						measured.peakMib <= 128 + 220,
						'≤ 348 MiB',
					);
					print(
						`${what}: time`,
						`${measured.seconds.toFixed(1)} s, ${measured.cpuSeconds.toFixed(1)} s of processor`,
					);
					peaks.push(measured.peakMib);
				},
				'off',
			);
		}
		const growth = (peaks[1] / peaks[0] - 1) * 100;
		print(
			`4 GB: peak memory, more than of 1 GB, ${name.slice(-3)}`,
			`${growth.toFixed(1)} %`,
			growth < 10,
			'< 10 %',
		);
	}
}

/** The most of something that falls into any rolling second. */
function mostInASecond(requests, weigh) {
	let most = 0;
	let sum = 0;
	let first = 0;
	for (const request of requests) {
		sum += weigh(request);
		while (requests[first].arrivedAtMs <= request.arrivedAtMs - 1000) sum -= weigh(requests[first++]);
		most = Math.max(most, sum);
	}
	return most;
}

if (wants('--quotas')) {
	const runs = [
		{ what: '3,000 fragments of 5 KB', recording: { ...small, fragments: 3000 } },
		{ what: '2 GB', recording: { ...camera, fragments: 2000 } },
	];
	for (const { what, recording } of runs) {
		const data = join(directory, 'data');
		const range = await record(data, recording);
		const log = [];
		const server = createArchiveServer({
			dataDirectory: data,
			quotas: 'aws',
			onRequest: (request) => log.push(request),
		});
		server.listen(0, '127.0.0.1');
		await once(server, 'listening');
		const measured = await measureFile('export', `http://127.0.0.1:${server.address().port}`, range);
		server.close();
		server.closeAllConnections();
		rmSync(data, { recursive: true, force: true });
		checkExport(recording, measured);
		log.sort((a, b) => a.arrivedAtMs - b.arrivedAtMs);
		const media = log.filter(({ operation }) => operation === 'GetMediaForFragmentList');
		const calls = mostInASecond(media, () => 1);
		const points = mostInASecond(media, ({ fragmentsAsked }) => fragmentsAsked);
		const connections = Math.max(...media.map(({ openMediaConnections }) => openMediaConnections + 1));
		const throttled = log.filter(({ isThrottled }) => isThrottled).length;
		print(`${what}: most calls in a rolling second`, `${calls}`, calls <= 5, '≤ 5');
		print(`${what}: most points in a rolling second`, `${points}`, points <= 500, '≤ 500');
		print(`${what}: most connections`, `${connections}`, connections <= 5, '≤ 5');
		print(`${what}: throttled, of all calls`, `${throttled} of ${log.length}`, throttled === 0, '0');
	}
}

if (wants('--list')) {
	const results = [];
	for (const fragments of [250_000, 1_000_000]) {
		const recording = { frames: 1, frameBytes: 10, fragments };
		await withArchive(
			recording,
			async (endpoint, range) => {
				const measured = await measure('list', endpoint, { range });
				const { summary, seconds, peakMib } = measured;
				if (summary.fragments !== fragments || !summary.isSorted)
					throw new Error(`the listing is wrong: ${JSON.stringify(summary)}`);
				const micros = (seconds * 1e6) / fragments;
				print(
					`${fragments.toLocaleString('en')} fragments listed`,
					`${seconds.toFixed(1)} s, ${micros.toFixed(1)} µs each, ${peakMib.toFixed(0)} MiB`,
				);
				results.push(measured);
			},
			'off',
		);
	}
	const [short, long] = results;
	const time = long.seconds / short.seconds / 4;
	print('four times as many: time of each, times that of fewer', time.toFixed(2), time <= 1.25, '≤ 1.25');
	const { heldMib } = long.summary;
	const held = `${heldMib[0].toFixed(1)} MiB, ${heldMib.at(-1).toFixed(1)} MiB`;
	const isFlat = heldMib.at(-1) - heldMib[0] <= 4;
	print('held in memory after 100,000 and after 1,000,000', held, isFlat, '≤ 4 MiB more');
}

process.stdout.write(`\n${missed === 0 ? 'all targets met' : `${missed} targets missed`}\n`);
